// The ratios of throughput that this project sets itself, checked against one run. Told in the table, not in a test:
// they are about this code on a quiet machine, not about the machine that a test happens to run on.
import type { Primitive } from "./contestant.ts";
import type { ContestantResult, CryptoResults } from "./results.ts";

interface Target {
  readonly what: string;
  readonly primitive: Primitive;
  readonly bytes: number;
  readonly ours?: string; // variant
  readonly library: string;
  readonly variant?: string;
  readonly atLeast: number;
}

export interface Verdict extends Target {
  readonly ratio: number;
  readonly met: boolean;
}

const BATCH = "batch in linear memory";
const GIVEN = "output given";
const RAW = "raw Wasm export";

function aead(bytes: number, ours: string, library: string, atLeast: number, variant?: string): Target[] {
  return (["aead-seal", "aead-open"] as const).map((primitive) => ({
    what: `AEAD ${primitive === "aead-seal" ? "seal" : "open"}, ${bytes} B, ${ours}`,
    primitive,
    bytes,
    ours,
    library,
    ...(variant && { variant }),
    atLeast,
  }));
}

function blake2s(how: "ordinary call" | typeof RAW, library: string, atLeast: number): Target[] {
  const what = `BLAKE2s, 64 B, ${how}`;
  return [{ what, primitive: "blake2s", bytes: 64, ...(how === RAW && { ours: RAW }), library, atLeast }];
}

const NODE: readonly Target[] = [
  ...aead(1420, BATCH, "libsodium-wrappers", 3.6),
  ...aead(1420, BATCH, "libsodium-wrappers", 2.9, RAW),
  ...aead(1420, BATCH, "@noble/ciphers", 11),
  ...aead(1420, BATCH, "node:crypto", 3.6),
  ...aead(1420, GIVEN, "libsodium-wrappers", 3),
  ...aead(16384, GIVEN, "libsodium-wrappers", 3.2),
  {
    what: "X25519 shared secret",
    primitive: "x25519-shared",
    bytes: 0,
    library: "libsodium-wrappers",
    atLeast: 1.4,
  },
  { what: "X25519 shared secret", primitive: "x25519-shared", bytes: 0, library: "@noble/curves", atLeast: 14 },
  ...blake2s("ordinary call", "hash-wasm", 2.8),
  ...blake2s(RAW, "hash-wasm", 2.8),
  ...blake2s("ordinary call", "@noble/hashes", 15),
];

const TARGETS: Readonly<Record<string, readonly Target[]>> = {
  node26: NODE,
  bun: aead(1420, BATCH, "libsodium-wrappers", 2.4),
  deno: aead(1420, BATCH, "libsodium-wrappers", 3.2),
};

/** The result of a library; of its fastest way of being called if no variant is named. */
function find(results: readonly ContestantResult[], library: string, variant?: string): ContestantResult | undefined {
  const all = results.filter((one) => one.library === library && one.variant !== RAW);
  if (variant) return results.find((one) => one.library === library && one.variant === variant);
  return all.sort((a, b) => a.medianNs - b.medianNs)[0];
}

/** Every target of the run's runtime whose both sides were measured. */
export function verdicts({ runtime, cases }: CryptoResults): Verdict[] {
  return (TARGETS[runtime] ?? []).flatMap((target) => {
    const measured = cases.find((one) => one.primitive === target.primitive && one.bytes === target.bytes);
    const ours = measured && find(measured.results, "wasmguard", target.ours);
    const theirs = measured && find(measured.results, target.library, target.variant);
    if (!ours || !theirs) return [];
    const ratio = theirs.medianNs / ours.medianNs;
    return [{ ...target, ratio, met: ratio >= target.atLeast }];
  });
}
