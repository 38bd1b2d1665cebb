/**
 * What the data path is to reach: ratios to wireguard-go, in the release that Debian 12 has and in the newest one. Of all other
 * programs it is to be ahead.
 */
import type { Variant } from "./programs.ts";
import type { Test, TunnelResults } from "./results.ts";
import { type MetricName, ratio } from "./summary.ts";

export const DEBIAN_VERSION = "0.0.20220316";

interface Goal {
  readonly what: string;
  readonly test: Test;
  readonly metric: MetricName;
  /** At least for rates, at most for costs; undefined where nothing is asked. */
  readonly debian?: number;
  readonly newest?: number;
}

const GOALS: readonly Goal[] = [
  { what: "TCP, 1 stream, Mbit/s", test: "tcp1", metric: "megabits", debian: 5, newest: 1.6 },
  { what: "TCP, 1 stream, reverse, Mbit/s", test: "tcprev", metric: "megabits", debian: 5, newest: 1.6 },
  { what: "TCP, 4 streams, Mbit/s", test: "tcp4", metric: "megabits", debian: 5, newest: 2 },
  { what: "TCP, 1 stream, CPU-seconds per GB", test: "tcp1", metric: "cpu", debian: 0.22, newest: 0.55 },
  { what: "TCP, 1 stream, reverse, CPU-seconds per GB", test: "tcprev", metric: "cpu", newest: 0.55 },
  { what: "TCP, 4 streams, CPU-seconds per GB", test: "tcp4", metric: "cpu", newest: 0.55 },
  { what: "UDP at full rate, received Mbit/s", test: "udp", metric: "megabits", debian: 2, newest: 2 },
  { what: "UDP of 512 bytes at full rate, received Mbit/s", test: "udp512", metric: "megabits", newest: 2 },
  { what: "UDP of 64 bytes at full rate, received Mbit/s", test: "udp64", metric: "megabits", newest: 2 },
  { what: "UDP paced, CPU-seconds per GB", test: "udppaced", metric: "cpu", newest: 1 },
  { what: "ping p50", test: "ping", metric: "p50", debian: 0.5, newest: 0.4 },
  { what: "peak memory under load", test: "tcp1", metric: "peak", newest: 0.5 },
];
/** Of wasmguard run in other ways. */
const VARIANT_GOALS: Readonly<Record<Exclude<Variant, "plain">, readonly Goal[]>> = {
  "offloads off": [{ what: "TCP, 1 stream, Mbit/s", test: "tcp1", metric: "megabits", debian: 1.2 }],
  "busy poll": [{ what: "ping p50", test: "ping", metric: "p50", debian: 0.5, newest: 0.4 }],
  "no looking": [],
  "wide vectors": [
    { what: "TCP, 1 stream, Mbit/s", test: "tcp1", metric: "megabits", newest: 1.8 },
    { what: "TCP, 1 stream, reverse, Mbit/s", test: "tcprev", metric: "megabits", newest: 1.8 },
    { what: "TCP, 4 streams, Mbit/s", test: "tcp4", metric: "megabits", newest: 2.2 },
    { what: "TCP, 1 stream, CPU-seconds per GB", test: "tcp1", metric: "cpu", newest: 0.48 },
    { what: "TCP, 1 stream, reverse, CPU-seconds per GB", test: "tcprev", metric: "cpu", newest: 0.48 },
    { what: "TCP, 4 streams, CPU-seconds per GB", test: "tcp4", metric: "cpu", newest: 0.48 },
  ],
};
/** Our figure in Bun and Deno to that in Node. */
const OTHER_RUNTIMES = 0.85;
const AHEAD = 1;

export interface Verdict {
  readonly what: string;
  readonly against: string;
  readonly bound: string;
  readonly measured: number;
  readonly met: boolean;
}

function judge(results: TunnelResults, program: string, other: string, goal: Goal, bound: number): Verdict[] {
  const measured = ratio(results, program, other, goal.test, goal.metric)?.median;
  if (measured === undefined) return [];
  const isRate = goal.metric === "megabits";
  return [
    {
      what: goal.what,
      against: other,
      bound: `${isRate ? "≥" : "≤"} ${bound}×`,
      measured,
      met: isRate ? measured >= bound : measured <= bound,
    },
  ];
}

export function verdicts(results: TunnelResults): Verdict[] {
  const { programs } = results;
  const [main, ...others] = programs.filter((one) => one.kind === "ours");
  if (!main) return [];
  const rivals = programs.filter((one) => one.kind === "theirs");
  const boundOf = (goal: Goal, { name, version }: (typeof rivals)[number]) => {
    if (!name.startsWith("wireguard-go")) return AHEAD;
    return version === DEBIAN_VERSION ? goal.debian : goal.newest;
  };
  const against = (program: string, goal: Goal) =>
    rivals.flatMap((rival) => {
      const { name } = rival;
      const bound = boundOf(goal, rival);
      return bound === undefined ? [] : judge(results, program, name, goal, bound);
    });
  return [
    ...GOALS.flatMap((goal) => against(main.name, goal)),
    ...others.flatMap(({ name }) => {
      for (const [variant, goals] of Object.entries(VARIANT_GOALS)) {
        if (!name.endsWith(`, ${variant}`)) continue;
        return goals.flatMap((goal) => against(name, { ...goal, what: `${variant}: ${goal.what}` }));
      }
      const goal: Goal = { what: `${name}: TCP, 1 stream, Mbit/s`, test: "tcp1", metric: "megabits" };
      return judge(results, name, main.name, goal, OTHER_RUNTIMES);
    }),
  ];
}
