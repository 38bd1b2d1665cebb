/** Statistics as text: the Prometheus exposition format, version 0.0.4. */
import type { Sample, Statistic } from "./statistics.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function sampleLine(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

/** One line at a time, so that a device with many peers can be told in pieces. */
export function* prometheusLines(statistics: Iterable<Statistic>): Generator<string, void> {
  for (const { name, type, help, samples } of statistics) {
    yield `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) yield sampleLine(name, sample);
  }
}
