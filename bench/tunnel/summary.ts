/**
 * From measurements to figures: medians and ranges over the repetitions, and ratios paired by repetition, since what
 * ran one after the other met the same machine.
 */
import { ECHO_BYTES, type Measurement, type Test, type TunnelResults } from "./results.ts";

const BYTES_PER_GB = 1e9;

export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Metric = (one: Measurement) => number | undefined;

export const METRICS = {
  megabits: (one) => one.megabits,
  sentMegabits: (one) => one.sentMegabits,
  lostPercent: (one) => one.lostPercent,
  retransmits: (one) => one.retransmits,
  nearCpu: (one) => (one.bytes > 0 ? (one.nearCpu / one.bytes) * BYTES_PER_GB : undefined),
  farCpu: (one) => (one.bytes > 0 ? (one.farCpu / one.bytes) * BYTES_PER_GB : undefined),
  cpu: (one) => (one.bytes > 0 ? ((one.nearCpu + one.farCpu) / one.bytes) * BYTES_PER_GB : undefined),
  /** Microseconds. */
  echoCpu: (one) => (one.bytes > 0 ? ((one.nearCpu + one.farCpu) / (one.bytes / ECHO_BYTES)) * 1e6 : undefined),
  machineCpu: (one) => (one.bytes > 0 ? (one.machineCpu / one.bytes) * BYTES_PER_GB : undefined),
  steal: (one) => one.stealPercent,
  peak: (one) => Math.max(one.nearPeakBytes, one.farPeakBytes),
  p50: (one) => one.p50Ms,
  p99: (one) => one.p99Ms,
} as const satisfies Record<string, Metric>;
export type MetricName = keyof typeof METRICS;

export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

function figureOf(values: readonly number[]): Figure | undefined {
  const middle = median(values);
  return middle === undefined ? undefined : { median: middle, low: Math.min(...values), high: Math.max(...values) };
}

function defined(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
}

export function figure(
  { traffic }: TunnelResults,
  program: string,
  test: Test,
  metric: MetricName,
): Figure | undefined {
  const ones = traffic.filter((one) => one.program === program && one.test === test && !one.failed);
  return figureOf(defined(ones.map(METRICS[metric])));
}

/** What `program` has over what `other` has, repetition by repetition. */
export function ratio(
  { traffic }: TunnelResults,
  program: string,
  other: string,
  test: Test,
  metric: MetricName,
): Figure | undefined {
  const of = (name: string, repetition: number) => {
    const found = traffic.find(
      (one) => one.program === name && one.test === test && one.repetition === repetition && !one.failed,
    );
    return found && METRICS[metric](found);
  };
  const repetitions = [...new Set(traffic.map((one) => one.repetition))];
  return figureOf(
    defined(
      repetitions.map((repetition) => {
        const [above, below] = [of(program, repetition), of(other, repetition)];
        return above !== undefined && below ? above / below : undefined;
      }),
    ),
  );
}

/** Where the datagrams of the full-rate test went, in per cent of those sent; medians. */
export function losses({ traffic }: TunnelResults, program: string) {
  const ones = traffic.filter((one) => one.program === program && one.test === "udp" && one.sent && !one.failed);
  const share = (count: (one: Measurement) => number) => median(ones.map((one) => (100 * count(one)) / one.sent!));
  const known = ({ drops }: Measurement) =>
    drops.nearTun + drops.nearSendBuffer + drops.link + drops.farSocket + drops.farTun;
  return {
    nearTun: share((one) => one.drops.nearTun),
    nearSendBuffer: share((one) => one.drops.nearSendBuffer),
    link: share((one) => one.drops.link),
    farSocket: share((one) => one.drops.farSocket),
    farTun: share((one) => one.drops.farTun),
    // Of what remains nobody but iperf3's own socket can have lost much.
    receiver: share((one) => Math.max(0, one.lost! - known(one))),
  };
}
