// From how many peers on handshakes have 256-bit vectors, where, and that V8 really makes them.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cpuFlags } from "../../../host/os/linux/cpu-flags.ts";
import { machine } from "../../../host/platform.ts";
import { findRuntime, type RuntimeName, runArguments } from "../../support/runtimes.ts";

const script = fileURLToPath(new URL("support/wide-ladders.ts", import.meta.url));
const flags = cpuFlags();
const fused = flags.has("fma") ? "handshakes with 256-bit vectors" : "their results are wrong";
const on24 = machine() === "x86_64" ? "V8 of Node 24 gets them wrong" : "the processor has no AVX2";
const here = machine() === "x86_64" ? fused : "the processor has no AVX2";

function run(name: RuntimeName, args: readonly string[] = [], options: readonly string[] = []): string {
  const { path, reason } = findRuntime(name);
  if (path === undefined) throw new Error(reason);
  const all = [...options, ...runArguments(name, script), ...args];
  const { stdout, stderr, status } = spawnSync(path, all, { encoding: "utf8", timeout: 50_000 });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout;
}

test.each([
  ["node22", "was not tried"],
  ["node24", on24],
  ["node26", here],
  ["deno", "only Node has them"],
  ["bun", "only Node has them"],
] as const)("%s: with the first peer beyond 64, once: %s", (name, expected) => {
  const { few, told } = JSON.parse(run(name));
  expect(few).toEqual([]);
  expect(told).toEqual([expect.stringContaining(expected)]);
});

test.each(flags.has("avx2") ? (["node26"] as const) : [])("in %s the whole kernel becomes 256-bit", (name) => {
  const output = run(name, ["traced"], ["--trace-wasm-revectorize"]);
  const saved = [...output.matchAll(/Save: (\d+), cost: (\d+)/g)].map(([, save, cost]) => Number(save) - Number(cost));
  // V8's own count of pairs, of multiply, square, the step's loops, settle and addScaled.
  expect(saved.length).toBe(5);
  expect(saved.reduce((a, b) => a + b)).toBeGreaterThan(450);
});
