// What the charts show: from results to panels of bars, fastest first, without drawing anything.
import type { Contestant, Primitive } from "../crypto/contestant.ts";
import type { CaseResult, ContestantResult, CryptoResults } from "../crypto/results.ts";
import { rate } from "./format.ts";
import { label, TITLES } from "./names.ts";

export interface Bar {
  readonly label: string;
  /** Operations a second: within a panel all have the same size, so lengths compare as throughput does. */
  readonly value: number;
  readonly text: string;
  readonly kind: Contestant["kind"];
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const NS_PER_SECOND = 1e9;

export function panelTitle(primitive: Primitive, bytes: number): string {
  return bytes === 0 ? TITLES[primitive] : `${TITLES[primitive]}, ${bytes} bytes`;
}

function bar({ bytes }: CaseResult, result: Pick<ContestantResult, "library" | "variant" | "kind" | "medianNs">): Bar {
  const { kind, medianNs } = result;
  return { label: label(result), value: NS_PER_SECOND / medianNs, text: rate(bytes, medianNs), kind };
}

const fastestFirst = (bars: readonly Bar[]) => [...bars].sort((a, b) => b.value - a.value);

/** Everything that was measured of a case. */
export function fullPanel(one: CaseResult): Panel {
  return {
    title: panelTitle(one.primitive, one.bytes),
    bars: fastestFirst(one.results.map((result) => bar(one, result))),
  };
}

/** One bar a library: its fastest call from JavaScript, and of ours the batch too. Raw exports are for the tables. */
function isShown(result: ContestantResult, all: readonly ContestantResult[]): boolean {
  const { library, variant, kind, medianNs } = result;
  if (variant === "raw Wasm export") return false;
  if (kind === "ours") return variant !== "new output";
  return !all.some(
    (other) => other.library === library && other.variant !== "raw Wasm export" && other.medianNs < medianNs,
  );
}

function shortLabel(result: ContestantResult): string {
  return label(result).replace(" in linear memory", "");
}

function overviewPanel(results: CryptoResults, primitive: Primitive, bytes: number): Panel {
  const one = results.cases.find((each) => each.primitive === primitive && each.bytes === bytes)!;
  const bars = one.results
    .filter((result) => isShown(result, one.results))
    .map((result) => ({ ...bar(one, result), label: result.kind === "ours" ? shortLabel(result) : result.library }));
  if ("results" in results.openssl) {
    const native = results.openssl.results.find((each) => each.primitive === primitive && each.bytes === bytes);
    if (native) bars.push(bar(one, { library: "openssl speed", kind: "native", medianNs: native.ns }));
  }
  return { title: panelTitle(primitive, bytes), bars: fastestFirst(bars) };
}

/** The three panels of README's picture. */
export function overview(results: CryptoResults): Panel[] {
  return [
    overviewPanel(results, "aead-seal", 1420),
    overviewPanel(results, "x25519-shared", 0),
    overviewPanel(results, "blake2s", 64),
  ];
}
