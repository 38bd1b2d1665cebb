// Installs what only the benchmarks need (bench/package.json) into bench/node_modules, exactly as its lock file says.
// It lies apart so that `npm ci` of the project stays small. Run by `npm run bench:install`, and by whatever needs it.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readCommandLine } from "./command-line.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Newer than the lock file: npm writes this file last, so an interrupted installation does not count. */
function isInstalled(): boolean {
  const marker = `${here}node_modules/.package-lock.json`;
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(`${here}package-lock.json`).mtimeMs;
}

/** Install unless it is done already. No package's install script runs. @throws Error when npm fails */
export function installBenchPackages(): void {
  if (isInstalled()) return;
  console.error("Installing the libraries to compare with into bench/node_modules (once) …");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", ["ci", ...options], { cwd: here, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm could not install bench/package.json; its messages are above");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  readCommandLine("npm run bench:install   (no options)", {});
  installBenchPackages();
}
