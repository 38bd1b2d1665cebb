// Results as tables: one for each primitive, a row for each contestant, fastest first at the largest size that is a
// packet or less; and one for the targets. The same text goes to the terminal and into docs/benchmarks-crypto.md.
import { markdownTable } from "markdown-table";
import type { Primitive } from "../crypto/contestant.ts";
import type { CaseResult, ContestantResult, CryptoResults } from "../crypto/results.ts";
import { verdicts } from "../crypto/targets.ts";
import { duration, rate, times } from "./format.ts";
import { label, TITLES } from "./names.ts";

const SORT_AT_MOST = 1420;

/** The row that ratios are taken against: what a user of the ordinary call with an output of his own gets. */
function reference({ results }: CaseResult): ContestantResult | undefined {
  const ours = results.filter((one) => one.kind === "ours");
  return ours.find((one) => one.variant === "output given") ?? ours[0];
}

function cells(one: CaseResult, ns: number | undefined): [string, string] {
  if (ns === undefined) return ["–", ""];
  const ours = reference(one);
  const ratio = ours && ns !== ours.medianNs ? times(ns / ours.medianNs) : "";
  return [`${duration(ns)} (${rate(one.bytes, ns)})`, ratio];
}

function table(primitive: Primitive, { cases, openssl }: CryptoResults): string {
  const sizes = cases.filter((one) => one.primitive === primitive);
  const sortBy = sizes.findLast((one) => one.bytes <= SORT_AT_MOST)!;
  const names = [...sortBy.results].sort((a, b) => a.medianNs - b.medianNs).map(label);
  const rows = names.map((name) => [
    name,
    ...sizes.flatMap((one) => cells(one, one.results.find((result) => label(result) === name)?.medianNs)),
  ]);
  if ("results" in openssl) {
    const native = sizes.map(
      ({ bytes }) => openssl.results.find((one) => one.primitive === primitive && one.bytes === bytes)?.ns,
    );
    if (native.some((ns) => ns)) rows.push(["*openssl speed*", ...sizes.flatMap((one, i) => cells(one, native[i]))]);
  }
  const head = sizes.flatMap(({ bytes }) => [bytes === 0 ? "one operation" : `${bytes} B`, "ours is"]);
  const align = ["l", ...sizes.flatMap(() => ["r", "r"])];
  return markdownTable([["", ...head], ...rows], { align, stringLength: (text) => [...text].length });
}

/** Each target of this runtime and whether it is met; nothing for a runtime without targets. */
export function targetTable(results: CryptoResults): string | undefined {
  const rows = verdicts(results).map(({ what, library, variant, atLeast, ratio, met }) => [
    what,
    label({ library, ...(variant && { variant }) }),
    `${atLeast}×`,
    `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`,
    met ? "met" : "NOT MET",
  ]);
  if (rows.length === 0) return undefined;
  return markdownTable([["", "against", "at least", "measured", ""], ...rows], { align: ["l", "l", "r", "r", "l"] });
}

/** Who could not take part, each named once. */
function unavailable({ cases }: CryptoResults): string[] {
  const missing = new Map<string, string[]>();
  for (const { primitive, unavailable: ones } of cases) {
    for (const { library } of ones) {
      const titles = missing.get(library) ?? [];
      if (!titles.includes(TITLES[primitive])) missing.set(library, [...titles, TITLES[primitive]]);
    }
  }
  return [...missing].map(([library, titles]) => `${library}: ${titles.join("; ")}`);
}

interface Cell {
  readonly title: string;
  readonly primitive: Primitive;
  readonly bytes: number;
  readonly variant?: string;
  readonly rival: string;
}

const SUMMARY: readonly Cell[] = [
  {
    title: "seal 1420 B, batch",
    primitive: "aead-seal",
    bytes: 1420,
    variant: "batch in linear memory",
    rival: "libsodium-wrappers",
  },
  {
    title: "seal 1420 B, output given",
    primitive: "aead-seal",
    bytes: 1420,
    variant: "output given",
    rival: "libsodium-wrappers",
  },
  { title: "X25519 shared secret", primitive: "x25519-shared", bytes: 0, rival: "libsodium-wrappers" },
  { title: "BLAKE2s 64 B", primitive: "blake2s", bytes: 64, rival: "hash-wasm" },
];

/** A row for each runtime: what we reach there, and how many times a rival's throughput that is. */
export function summaryTable(runs: readonly CryptoResults[]): string {
  const head = SUMMARY.flatMap(({ title, rival }) => [title, `over ${rival}`]);
  const rows = runs.map(({ runtimeVersion, cases }) => [
    runtimeVersion,
    ...SUMMARY.flatMap(({ primitive, bytes, variant, rival }) => {
      const { results } = cases.find((one) => one.primitive === primitive && one.bytes === bytes)!;
      const ours = results.find((one) => one.kind === "ours" && one.variant === variant)!;
      const theirs = results.find((one) => one.library === rival && one.variant === undefined)!;
      return [rate(bytes, ours.medianNs), times(theirs.medianNs / ours.medianNs)];
    }),
  ]);
  return markdownTable([["", ...head], ...rows], { align: ["l", ...head.map(() => "r")] });
}

export interface Section {
  readonly title: string;
  readonly body: string;
}

export function sections(results: CryptoResults): Section[] {
  const primitives = [...new Set(results.cases.map((one) => one.primitive))];
  const missing = unavailable(results);
  return [
    ...primitives.map((primitive) => ({ title: TITLES[primitive], body: table(primitive, results) })),
    ...(missing.length > 0 ? [{ title: "Not available in this runtime", body: `- ${missing.join("\n- ")}` }] : []),
  ];
}

const BUSY = ": other programs kept this machine busy, so the ratios say more than the figures";

/** Where and how the figures were taken, a line each. */
export function circumstances(results: CryptoResults): string[] {
  const { machine, runtimeVersion, wasm, date, command, load, rounds, openssl } = results;
  const isBusy = Math.max(...load) > machine.cores;
  const core = machine.pinnedTo === undefined ? "not pinned (no taskset here)" : `pinned to core ${machine.pinnedTo}`;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${core}`,
    `${machine.system}, ${machine.kernel}; load average ${load[0]} before, ${load[1]} after${isBusy ? BUSY : ""}`,
    `${runtimeVersion}, the build with ${wasm}; ${"version" in openssl ? openssl.version : `openssl speed: ${openssl.skipped}`}`,
    `${date} UTC, \`${command}\`, ${rounds} rounds`,
  ];
}
