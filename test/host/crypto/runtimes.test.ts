// The compiled module in every runtime that is here, with the build it picks and with the one for less.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRuntime, NEWEST_NODES, RUNTIMES } from "../../support/runtimes.ts";
import { type Compiled, compileCrypto, PROGRAMS, VECTORS } from "./support.ts";

const RUN_MS = 60_000;
const run = promisify(execFile);

let compiled: Compiled;

beforeAll(() => {
  compiled = compileCrypto();
}, 120_000);

afterAll(() => compiled?.remove());

const cases = [...RUNTIMES, ...NEWEST_NODES].flatMap((name) =>
  (["own choice", "simd"] as const).map((build) => ({ name, build })),
);

describe("in every runtime", () => {
  it.for(cases)("$name, build: $build", { timeout: RUN_MS }, async ({ name, build }, context) => {
    const { path, reason } = findRuntime(name);
    if (path === undefined) return context.skip(reason);
    const program = [join(PROGRAMS, "run.mjs"), compiled.module, VECTORS, build];
    const args = name === "deno" ? ["run", "--quiet", "--no-lock", "--allow-read", ...program] : program;
    const { stdout } = await run(path, args, { timeout: RUN_MS });
    // Node 20 has no relaxed SIMD.
    const expected = build === "simd" || name.startsWith("node20") ? "simd" : "relaxed";
    expect(stdout).toMatch(new RegExp(`^${expected}: \\d+ checks held\n$`));
  });
});
