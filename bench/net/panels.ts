/** What the stack's charts show: from results to panels of bars, without drawing anything. */
import type { Bar, Panel } from "../report/panels.ts";
import { ROWS } from "./link.ts";
import type { ClientsPart, NetResults } from "./results.ts";
import { type ClientMetric, clientFigure, linkFigures } from "./summary.ts";

function linkPanels({ links = [] }: NetResults): Panel[] {
  return ROWS.flatMap(({ name, title }) => {
    const part = links.find(({ row }) => row === name);
    if (part === undefined) return [];
    const { linux, stack } = linkFigures(part);
    const bar = (label: string, value: number, kind: Bar["kind"]): Bar => ({
      label,
      value,
      text: value.toFixed(1),
      kind,
    });
    const bars = [bar("wasmguard", stack.median, "ours"), bar("Linux, CUBIC", linux.median, "native")];
    return [{ title: `Mbit/s at 100 Mbit/s, 50 ms: ${title}`, bars }];
  });
}

function clientPanel(part: ClientsPart, title: string, direction: "up" | "down", metric: ClientMetric): Panel {
  const bars = part.clients.flatMap(({ name, kind }): Bar[] => {
    const value = clientFigure(part, name, direction, metric)?.median;
    if (value === undefined) return [];
    const text = value.toFixed(metric === "megabits" ? 0 : 1);
    return [{ label: name, value, text, kind: kind === "ours" ? "ours" : "native" }];
  });
  bars.sort((a, b) => (metric === "megabits" ? b.value - a.value : a.value - b.value));
  return { title, bars };
}

export function netPanels(results: NetResults): Panel[] {
  const { clients } = results;
  if (clients === undefined) return linkPanels(results);
  return [
    ...linkPanels(results),
    clientPanel(clients, "Client, up, Mbit/s", "up", "megabits"),
    clientPanel(clients, "Client, down, Mbit/s", "down", "megabits"),
    clientPanel(clients, "Client, up, CPU-seconds per GB (less is better)", "up", "cpuSecondsPerGigabyte"),
    clientPanel(clients, "Client, down, CPU-seconds per GB (less is better)", "down", "cpuSecondsPerGigabyte"),
  ];
}
