// The verdicts that `npm run bench` prints: which call of whom is held against which, and in which direction.
import { describe, expect, it } from "vitest";
import type { CaseResult, ContestantResult, CryptoResults } from "../../bench/crypto/results.ts";
import { verdicts } from "../../bench/crypto/targets.ts";

function result(library: string, medianNs: number, variant?: string): ContestantResult {
  const kind = library === "wasmguard" ? "ours" : "portable";
  return { library, ...(variant && { variant }), kind, medianNs, lowNs: medianNs, highNs: medianNs };
}

function run(runtime: string, ...cases: CaseResult[]): CryptoResults {
  return {
    runtime,
    runtimeVersion: runtime,
    wasm: "SIMD",
    date: "",
    command: "",
    machine: { cpu: "", cores: 1, memoryGiB: 1, kernel: "", system: "" },
    load: [0, 0],
    rounds: 1,
    versions: {},
    cases,
    openssl: { skipped: "" },
  };
}

const seal: CaseResult = {
  primitive: "aead-seal",
  bytes: 1420,
  unavailable: [],
  results: [
    result("wasmguard", 1000, "batch in linear memory"),
    result("wasmguard", 1250, "output given"),
    result("libsodium-wrappers", 4000),
    result("libsodium-wrappers", 2500, "raw Wasm export"),
    result("@noble/ciphers", 12000, "output given"),
    result("@noble/ciphers", 10000, "new output"),
  ],
};

const ratios = (results: CryptoResults) =>
  verdicts(results).map(({ ours, library, variant, ratio, met }) => [ours, library, variant, ratio, met]);

describe("the targets", () => {
  it("hold our call against the other's fastest, by throughput", () => {
    expect(ratios(run("node26", seal))).toEqual([
      ["batch in linear memory", "libsodium-wrappers", undefined, 4, true],
      ["batch in linear memory", "libsodium-wrappers", "raw Wasm export", 2.5, false],
      ["batch in linear memory", "@noble/ciphers", undefined, 10, false],
      ["output given", "libsodium-wrappers", undefined, 3.2, true],
    ]);
  });

  it("are others in Bun and Deno, and none elsewhere", () => {
    expect(ratios(run("bun", seal))).toEqual([["batch in linear memory", "libsodium-wrappers", undefined, 4, true]]);
    expect(ratios(run("deno", seal))).toHaveLength(1);
    expect(ratios(run("node20", seal))).toEqual([]);
  });
});
