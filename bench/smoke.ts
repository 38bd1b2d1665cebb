// `npm run bench:smoke`: does everything that belongs to the benchmarks still work? Types, one very short round with all
// libraries verified, and the tables. Takes seconds; its figures mean nothing.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readCommandLine } from "./command-line.ts";
import { installBenchPackages } from "./install.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

function step(what: string, ...args: string[]): void {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", cwd: here("..") });
  if (status !== 0) {
    console.error(`${what} failed`);
    process.exit(1);
  }
  console.error(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

readCommandLine(
  "npm run bench:smoke   (no options): does everything that belongs to the benchmarks work? Takes seconds",
  {},
);
installBenchPackages();
step("types", here("../node_modules/typescript/bin/tsc"), "-p", here("tsconfig.json"));
step("crypto", here("crypto/bench.ts"), "--smoke");
step("net", here("net/main.ts"), "--smoke");
step("library", here("library/main.ts"), "--smoke");
