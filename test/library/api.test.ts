/**
 * The tests of the API (networks, their sockets, names and HTTP) and of the proxies, compiled and run again in every runtime. Vitest itself does
 * not start in all of them; its `expect` does.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findRuntime, RUNTIMES, type RuntimeName } from "../support/runtimes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RUN_MS = 180_000;
const FOLDERS = ["network", "sockets", "proxy/socks5", "proxy/http", "proxy/forward", "proxy/sni"];

let project: string;

function link(name: string): void {
  symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "wasmguard-api-"));
  const include = ["host", "assembly/abi.ts", ...FOLDERS.map((folder) => `test/host/${folder}`)];
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        rootDir: ROOT,
        outDir: project,
        typeRoots: [join(ROOT, "node_modules/@types")],
      },
      include: include.map((path) => join(ROOT, path)),
    }),
  );
  const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", project], { encoding: "utf8" });
  if (!existsSync(join(project, "test/host/network"))) throw new Error(`the tests cannot be compiled: ${stdout}`);
  mkdirSync(join(project, "node_modules"));
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name !== "vitest" && !name.startsWith(".")) link(name);
  }
  const standIn = join(project, "node_modules/vitest");
  mkdirSync(standIn);
  cpSync(join(ROOT, "test/library/vitest-stand-in.mjs"), join(standIn, "index.mjs"));
  writeFileSync(join(standIn, "package.json"), JSON.stringify({ name: "vitest", exports: "./index.mjs" }));
  cpSync(join(ROOT, "test/library/run-tests.mjs"), join(project, "run-tests.mjs"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

function commandLine(name: RuntimeName): string[] {
  const before = name === "deno" ? ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-all"] : [];
  return [...before, "run-tests.mjs", ...FILES];
}

/** @returns what it wrote; its last line counts the tests */
function run(path: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { cwd: project, timeout: RUN_MS, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`ended with ${code ?? signal}: ${output}`));
    });
  });
}

const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, "test/host", folder))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `test/host/${folder}/${name.replace(/ts$/, "js")}`),
);

it.for(RUNTIMES)("the API's own tests pass in %s", { timeout: RUN_MS + 20_000 }, async (name, context) => {
  const runtime = findRuntime(name);
  if (runtime.path === undefined) return context.skip(runtime.reason);
  expect(await run(runtime.path, commandLine(name))).toMatch(/^[1-9]\d* tests, 0 failures$/m);
});
