/** arm64, under qemu: crypto by its vectors, the core, the engine, embedded devices, and the filter of system calls that is made there. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Compiled, compileCrypto, PROGRAMS, VECTORS } from "../host/crypto/support.ts";
import { StandInProject } from "../library/stand-in-project.ts";
import { arm64Node } from "../support/arm64.ts";

/** An emulated processor takes ten times as long. */
const RUN_MS = 600_000;
/** Not core/memory: qemu makes resident what a Wasm memory reserves, and that one asks for 12 GB. */
const UNITS = [
  "core/secrets",
  ...["engine/configuration", "engine/endpoints", "engine/outbound", "engine/sessions", "engine/timers"],
  ...["library/device", "confine/seccomp"],
].map((name) => `test/host/${name}.test.ts`);

const node = arm64Node();
let project: StandInProject;
let compiled: Compiled;
beforeAll(() => {
  if (node.command === undefined) return;
  project = new StandInProject(UNITS);
  compiled = compileCrypto();
}, 240_000);
afterAll(() => {
  project?.remove();
  compiled?.remove();
});

it("crypto holds all vectors, in both builds", { timeout: RUN_MS }, async (context) => {
  if (node.command === undefined) return context.skip(node.reason);
  const [program = "", ...before] = node.command;
  for (const build of ["relaxed", "simd"]) {
    const args = [...before, join(PROGRAMS, "run.mjs"), compiled.module, VECTORS, build];
    const { stdout } = await promisify(execFile)(program, args, { timeout: RUN_MS });
    expect(stdout).toMatch(new RegExp(`^${build}: \\d+ checks held\n$`));
  }
});

it.for(UNITS)("%s passes", { timeout: RUN_MS }, async (file, context) => {
  if (node.command === undefined) return context.skip(node.reason);
  const output = await project.run(node.command, [file], RUN_MS);
  expect(output).toMatch(/^[1-9]\d* tests, 0 failures$/m);
  // The numbers of the other processor are compared on that one.
  for (const [line] of output.matchAll(/^skipped .*/gm)) expect(line).toContain("asm/unistd_64.h");
});
