/** The results as Markdown tables: for the terminal and for docs/benchmarks.md. */
import { markdownTable } from "markdown-table";
import type { Speed } from "./bulk.ts";
import { ROWS } from "./link.ts";
import type { Circumstances, ClientsPart, LinkPart, MemoryPart, NetResults, ProcessPart } from "./results.ts";
import { clientFigure, linkFigures, type Range, range, verdicts } from "./summary.ts";

const MIB = 2 ** 20;
export const TITLES: Readonly<Record<string, string>> = Object.fromEntries(
  ROWS.map(({ name, title }) => [name, title]),
);

export interface Section {
  readonly title: string;
  readonly body: string;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const align = head.map((_, i) => (i === 0 ? "l" : "r"));
  return markdownTable([[...head], ...rows.map((row) => [...row])], {
    align,
    stringLength: (text) => [...text].length,
  });
}

function text({ median, low, high }: Range, digits: number): string {
  const whole = median.toFixed(digits);
  return low === high ? whole : `${whole} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function circumstances({ date, command, load, seconds }: Circumstances): string {
  return `${date} UTC, \`${command}\`: ${seconds} s each; load average ${load[0]} before, ${load[1]} after.`;
}

function processTable(part: ProcessPart): string {
  const row = (name: string, runs: readonly Speed[]) => [
    name,
    text(range(runs.map((one) => one.gigabitsPerSecond)), 2),
    text(range(runs.map((one) => one.gigabitsPerCpuSecond)), 2),
  ];
  const rows = [row("two stacks, joined", part.joined), row("two stacks through two devices", part.tunnelled)];
  return `${table(["", "Gbit/s", "Gbit per CPU-second"], rows)}\n\n${circumstances(part)}`;
}

function linkTable(parts: readonly LinkPart[]): string {
  const known = ROWS.flatMap(({ name }) => parts.filter(({ row }) => row === name));
  const rows = known.map((part) => {
    const { linux, stack, ratio } = linkFigures(part);
    return [TITLES[part.row]!, `${part.runs.length}`, text(linux, 1), text(stack, 1), text(ratio, 2)];
  });
  const head = ["100 Mbit/s, 50 ms", "seeds", "Linux, Mbit/s", "wasmguard, Mbit/s", "wasmguard to Linux"];
  const when = [...new Set(known.map(circumstances))].map((line) => `- ${line}`);
  return `${table(head, rows)}\n\n${when.join("\n")}`;
}

function memoryTable(part: MemoryPart): string {
  const rows = [
    ["idle connection, one end", `${part.idleConnectionBytes.toFixed(0)} bytes`],
    ["half-open connection", `${part.halfOpenBytes.toFixed(0)} bytes`],
    [`turns that ${part.connections} idle connections take in ${part.seconds} s`, `${part.idleTurns}`],
  ];
  return table(["", ""], rows);
}

function clientsTable(part: ClientsPart): string {
  const rows = part.clients.flatMap(({ name }) => {
    const figure = (direction: "up" | "down", metric: "megabits" | "cpuSecondsPerGigabyte", digits: number) => {
      const found = clientFigure(part, name, direction, metric);
      return found === undefined ? "–" : text(found, digits);
    };
    const peak = clientFigure(part, name, "down", "peakBytes");
    return [
      [
        name,
        figure("up", "megabits", 0),
        figure("up", "cpuSecondsPerGigabyte", 1),
        figure("down", "megabits", 0),
        figure("down", "cpuSecondsPerGigabyte", 1),
        peak === undefined ? "–" : (peak.median / MIB).toFixed(0),
      ],
    ];
  });
  const head = ["", "up, Mbit/s", "CPU-s/GB", "down, Mbit/s", "CPU-s/GB", "peak MiB"];
  return `${table(head, rows)}\n\n${circumstances(part)}`;
}

function targetTable(results: NetResults): string {
  const rows = verdicts(results, TITLES).map(({ what, goal, measured, met }) => [
    what,
    goal,
    measured,
    met ? "met" : "NOT MET",
  ]);
  return table(["", "goal", "measured", ""], rows);
}

export function sections(results: NetResults): Section[] {
  const { process, links, memory, clients } = results;
  const list: Section[] = [{ title: "What this project sets itself", body: targetTable(results) }];
  if (process !== undefined) list.push({ title: "In one process", body: processTable(process) });
  if (links !== undefined) list.push({ title: "Beside Linux over an emulated link", body: linkTable(links) });
  if (memory !== undefined) list.push({ title: "Connections at rest", body: memoryTable(memory) });
  if (clients !== undefined)
    list.push({ title: "Clients of a tunnel that forward a port", body: clientsTable(clients) });
  return list;
}
