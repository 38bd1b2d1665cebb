/**
 * The tunnel's chart: received rate and CPU time of TCP, received rate of UDP, ping; with the bars of the crypto charts.
 */
import { chartOption, echarts, panelHeight, type Theme } from "../report/chart.ts";
import type { Bar, Panel } from "../report/panels.ts";
import type { Test, TunnelResults } from "./results.ts";
import { figure, type MetricName } from "./summary.ts";

interface Wanted {
  readonly title: string;
  readonly test: Test;
  readonly metric: MetricName;
  readonly best: "most" | "least";
  text(value: number): string;
}

const WANTED: readonly Wanted[] = [
  {
    title: "TCP, 1 stream, Gbit/s",
    test: "tcp1",
    metric: "megabits",
    best: "most",
    text: (v) => (v / 1000).toFixed(2),
  },
  {
    title: "TCP, CPU-seconds per GB, both ends (less is better)",
    test: "tcp1",
    metric: "cpu",
    best: "least",
    text: (v) => v.toFixed(2),
  },
  {
    title: "UDP, 1392 bytes, received Gbit/s",
    test: "udp",
    metric: "megabits",
    best: "most",
    text: (v) => (v / 1000).toFixed(2),
  },
  {
    title: "Ping, median µs (less is better)",
    test: "ping",
    metric: "p50",
    best: "least",
    text: (v) => (v * 1000).toFixed(0),
  },
];

function panel(results: TunnelResults, { title, test, metric, best, text }: Wanted): Panel {
  const bars = results.programs.flatMap(({ name, kind }): Bar[] => {
    const value = figure(results, name, test, metric)?.median;
    return value === undefined
      ? []
      : [{ label: name, value, text: text(value), kind: kind === "ours" ? "ours" : "native" }];
  });
  bars.sort((a, b) => (best === "most" ? b.value - a.value : a.value - b.value));
  return { title, bars };
}

export function tunnelPanels(results: TunnelResults): Panel[] {
  return WANTED.map((wanted) => panel(results, wanted)).filter(({ bars }) => bars.length > 0);
}

export function tunnelSvg(results: TunnelResults, theme: Theme): string {
  return panelsSvg(tunnelPanels(results), theme);
}

/** Two columns. */
export function panelsSvg(panels: readonly Panel[], theme: Theme): string {
  const [gap, top, width] = [24, 36, 1000];
  const half = (width - gap) / 2;
  const bottoms = [top, top];
  const places = panels.map((one, i) => {
    const column = i % 2;
    const place = { left: column * (half + gap), top: bottoms[column]!, width: half, height: panelHeight(one) };
    bottoms[column] = place.top + place.height + gap;
    return place;
  });
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height: Math.max(...bottoms) - gap + 8 });
  const option = chartOption(panels, places, theme);
  chart.setOption({ ...option, legend: { ...option.legend, data: ["wasmguard", "native code"] }, animation: false });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
