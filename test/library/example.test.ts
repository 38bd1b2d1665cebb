/**
 * The example of the README, as a user runs it: from a directory with the package in its node_modules, in every runtime that
 * is here. The package is compiled anew into that directory.
 */
import { execFile, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRuntime, RUNTIMES, type RuntimeName } from "../support/runtimes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RUN_MS = 20_000;

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "wasmguard-library-"));
  const installed = join(project, "node_modules/wasmguard");
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  cpSync(join(ROOT, "node_modules/ipaddr.js"), join(project, "node_modules/ipaddr.js"), { recursive: true });
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  spawnSync(compiler, ["-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(installed, "dist")]);
  if (!existsSync(join(installed, "dist/host/index.js"))) throw new Error("the library cannot be compiled");
  cpSync(join(ROOT, "test/library/example.mjs"), join(project, "example.mjs"));
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies: { wasmguard: "*" } }),
  );
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

function commandLine(name: RuntimeName): string[] {
  if (name !== "deno") return ["example.mjs"];
  // What an embedded tunnel needs in Deno: network and interface names, nothing else.
  return ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-net", "--allow-sys", "example.mjs"];
}

describe("the example of the README", () => {
  it.for(RUNTIMES)("runs in %s", { timeout: RUN_MS * 2 }, async (name, context) => {
    const runtime = findRuntime(name);
    if (runtime.path === undefined) return context.skip(runtime.reason);
    const options = { cwd: project, timeout: RUN_MS };
    const { stdout, stderr } = await promisify(execFile)(runtime.path, commandLine(name), options);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "handshake",
      "Bob got: hello, Bob",
      "Alice got: hello, Alice",
      "Alice received 156 bytes and sent 212",
    ]);
  });
});
