/** From what was measured to figures: medians, and ratios paired by seed or by round, since these met the same machine. */
import { median } from "../tunnel/summary.ts";
import type { Direction } from "./clients/measure.ts";
import type { ClientsPart, LinkPart, NetResults } from "./results.ts";

export interface Range {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function range(values: readonly number[]): Range {
  return { median: median(values) ?? Number.NaN, low: Math.min(...values), high: Math.max(...values) };
}

export interface LinkFigures {
  readonly linux: Range;
  readonly stack: Range;
  readonly ratio: Range;
}

export function linkFigures({ runs }: LinkPart): LinkFigures {
  return {
    linux: range(runs.map((one) => one.linuxMegabits)),
    stack: range(runs.map((one) => one.stackMegabits)),
    ratio: range(runs.map((one) => one.stackMegabits / one.linuxMegabits)),
  };
}

export type ClientMetric = "megabits" | "cpuSecondsPerGigabyte" | "peakBytes";

export function clientFigure(
  { runs }: ClientsPart,
  client: string,
  direction: Direction,
  metric: ClientMetric,
): Range | undefined {
  const values = runs.filter((one) => one.client === client && one.direction === direction).map((one) => one[metric]);
  return values.length === 0 ? undefined : range(values);
}

export interface Verdict {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
}

const LINK_RATIO = 0.9;
const JOINED_GIGABITS = 3;
const TUNNELLED_GIGABITS = 1.5;
const IDLE_BYTES = 4096;
const HALF_OPEN_BYTES = 512;

/** What this project asks of itself. */
export function verdicts(results: NetResults, titles: Readonly<Record<string, string>>): Verdict[] {
  const { process, links = [], memory, clients } = results;
  const list: Verdict[] = [];
  const add = (what: string, goal: string, measured: string, met: boolean) => list.push({ what, goal, measured, met });
  const least = (what: string, bound: number, value: number, unit: string) =>
    add(what, `≥ ${bound} ${unit}`, `${value.toFixed(2)} ${unit}`, value >= bound);
  const most = (what: string, bound: number, value: number, unit: string) =>
    add(what, `≤ ${bound} ${unit}`, `${value.toFixed(0)} ${unit}`, value <= bound);
  if (process !== undefined) {
    const speed = (runs: typeof process.joined) => range(runs.map((one) => one.gigabitsPerSecond)).median;
    least("two stacks, joined", JOINED_GIGABITS, speed(process.joined), "Gbit/s");
    least("two stacks through two devices", TUNNELLED_GIGABITS, speed(process.tunnelled), "Gbit/s");
  }
  for (const part of links) {
    const { median: ratio } = linkFigures(part).ratio;
    add(`link: ${titles[part.row]}`, `≥ ${LINK_RATIO}× Linux`, `${ratio.toFixed(2)}×`, ratio >= LINK_RATIO);
  }
  if (memory !== undefined) {
    most("idle connection", IDLE_BYTES, memory.idleConnectionBytes, "bytes");
    most("half-open connection", HALF_OPEN_BYTES, memory.halfOpenBytes, "bytes");
    most(`${memory.connections} idle connections, in a minute`, 0, memory.idleTurns, "turns");
  }
  if (clients !== undefined) list.push(...clientVerdicts(clients));
  return list;
}

function clientVerdicts(part: ClientsPart): Verdict[] {
  const ours = part.clients.find(({ kind }) => kind === "ours")?.name;
  const theirs = part.clients.filter(({ kind }) => kind === "theirs");
  return theirs.flatMap(({ name }) =>
    (["up", "down"] as const).flatMap((direction) =>
      (["megabits", "cpuSecondsPerGigabyte"] as const).flatMap((metric): Verdict[] => {
        const own = clientFigure(part, ours ?? "", direction, metric)?.median;
        const other = clientFigure(part, name, direction, metric)?.median;
        if (own === undefined || other === undefined) return [];
        const rate = metric === "megabits";
        const what = `client, ${direction}: ${rate ? "Mbit/s" : "CPU time"} against ${name}`;
        const met = rate ? own > other : own < other;
        return [{ what, goal: rate ? "> 1×" : "< 1×", measured: `${(own / other).toFixed(2)}×`, met }];
      }),
    ),
  );
}
