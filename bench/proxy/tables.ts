/** The results of bench:proxy as a Markdown table. */
import { markdownTable } from "markdown-table";
import type { ProxyRun } from "./measure.ts";
import type { ProxyResults } from "./results.ts";

const MIB = 2 ** 20;

function middle(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1]!;
}

export function proxyTable({ runs, date, command, load, seconds, machine, runtime }: ProxyResults): string {
  const groups = new Map<string, ProxyRun[]>();
  for (const run of runs) {
    const name = `${run.client}, ${run.way}`;
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  const rows = [...groups].map(([name, group]) => {
    const figure = (of: (run: ProxyRun) => number, digits = 0): string => middle(group.map(of)).toFixed(digits);
    return [
      name,
      figure(({ megabits }) => megabits),
      figure(({ cpuSecondsPerGigabyte }) => cpuSecondsPerGigabyte, 1),
      figure(({ requestsPerSecond }) => requestsPerSecond),
      figure(({ cpuMillisecondsPerRequest }) => cpuMillisecondsPerRequest, 2),
      figure(({ latencyMicroseconds }) => latencyMicroseconds.median),
      figure(({ latencyMicroseconds }) => latencyMicroseconds.p99),
      figure(({ idleBytes }) => idleBytes / MIB),
      figure(({ peakBytes }) => peakBytes / MIB),
      figure(({ restBytes }) => restBytes / MIB),
    ];
  });
  const head = [
    "",
    "Mbit/s",
    "CPU-s/GB",
    "requests/s",
    "CPU-ms/request",
    "there and back, µs",
    "p99, µs",
    "memory before, MiB",
    "at most, MiB",
    "at rest after, MiB",
  ];
  const table = markdownTable([head, ...rows], { align: head.map((_, i) => (i === 0 ? "l" : "r")) });
  const times = Math.max(...[...groups.values()].map(({ length }) => length));
  const how = `${date} UTC, \`${command}\`: medians of ${times} runs of ${seconds} s each; load average ${load[0]} before, ${load[1]} after; ${machine.cpu}, ${machine.cores} cores; ${runtime}.`;
  return `${table}\n\n${how}`;
}
