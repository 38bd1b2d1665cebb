// Where 256-bit vectors are had, and that V8 really makes them, of our kernel and of nothing else.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { obstacle } from "../../../host/daemon/wide-vectors.ts";
import { cpuFlags } from "../../../host/os/linux/cpu-flags.ts";
import { findRuntime, type RuntimeName, runArguments } from "../../support/runtimes.ts";

const script = fileURLToPath(new URL("support/wide-vectors.ts", import.meta.url));

const flags = cpuFlags();
const avx2 = flags.has("avx2");

function run(path: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(path, args, { encoding: "utf8", timeout: 50_000 });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout;
}

const had = (handshakeBits: number, ...more: string[]) => ({
  ...{ bits: 256, handshakeBits, kernel: true },
  told: [...more, "256-bit vectors are in use"],
});
const without = (reason: RegExp) => ({
  ...{ bits: 128, handshakeBits: 128, kernel: false },
  told: [expect.stringMatching(reason)],
});
const notForHandshakes = (reason: string) => `handshakes without 256-bit vectors: ${reason}`;
const noAvx2 = without(/: the processor has no AVX2$/);
const on24 = had(128, notForHandshakes("V8 of Node 24 gets them wrong"));
const on26 = flags.has("fma") ? had(256) : had(128, notForHandshakes("their results are wrong on this machine"));
const runtimes: [RuntimeName, unknown][] = [
  ["node22", without(/: V8 12\.\S+ was not tried$/)],
  ["node24", avx2 ? on24 : noAvx2],
  ["node26", avx2 ? on26 : noAvx2],
  ["deno", without(/: only Node has them$/)],
  ["bun", without(/: only Node has them$/)],
];

test.each(runtimes)("%s", (name, expected) => {
  const { path, reason } = findRuntime(name);
  if (path === undefined) throw new Error(reason);
  expect(JSON.parse(run(path, runArguments(name, script)))).toEqual(expected);
});

test("options for WebAssembly are left as they are", () => {
  const output = run(process.execPath, ["--no-wasm-dynamic-tiering", script]);
  expect(JSON.parse(output)).toEqual(avx2 ? without(/: Node was started with options for WebAssembly$/) : noAvx2);
});

test("a path is no option for WebAssembly", () => {
  const permitted = process.execArgv;
  process.execArgv = ["--allow-fs-read=/usr/lib/wasmguard", "--title", "wasm"];
  onTestFinished(() => {
    process.execArgv = permitted;
  });
  expect(obstacle({ hasAvx2: () => true })).toBeUndefined();
});

const withAvx2 = avx2 ? (["node24", "node26"] as const) : [];
test.each(withAvx2)("in %s the whole kernel becomes 256-bit, and no later code", (name) => {
  const { path, reason } = findRuntime(name);
  if (path === undefined) throw new Error(reason);
  const traced = ["--trace-wasm-revectorize", ...runArguments(name, script), "traced"];
  const [during, after] = run(path, traced).split("the same code once more\n");
  // V8's own count: the kernel has two loops of 160 pairs of operations, and as many again behind them. A pair may also cost something.
  const [, saved, cost] = /Save: (\d+), cost: (\d+)/.exec(during!)!;
  expect(Number(saved)).toBeGreaterThan(450);
  expect(Number(cost)).toBeLessThan(Number(saved) / 2);
  expect(after).toBe("");
});

test.each(avx2 ? (["node26"] as const) : [])("in %s the whole kernel of four ladders becomes 256-bit", (name) => {
  const { path, reason } = findRuntime(name);
  if (path === undefined) throw new Error(reason);
  const output = run(path, ["--trace-wasm-revectorize", ...runArguments(name, script), "traced ladders"]);
  const saved = [...output.matchAll(/Save: (\d+), cost: (\d+)/g)].map(([, save, cost]) => Number(save) - Number(cost));
  // V8's own count of pairs, of multiply, square, the step's loops, settle and addScaled.
  expect(saved.length).toBe(5);
  expect(saved.reduce((a, b) => a + b)).toBeGreaterThan(450);
});
