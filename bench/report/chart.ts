// Draws panels of horizontal bars with ECharts: to SVG text here, and by the same options in the web page.
// Bars start at zero and carry their figure, so no axis is needed.
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Contestant } from "../crypto/contestant.ts";
import type { Panel } from "./panels.ts";

echarts.use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export interface Theme {
  readonly background: string;
  readonly text: string;
  readonly faint: string;
  readonly colors: Readonly<Record<Contestant["kind"], string>>;
}

export const LIGHT: Theme = {
  background: "#ffffff",
  text: "#1f2328",
  faint: "#59636e",
  colors: { ours: "#0a7d5a", portable: "#a9b4c2", native: "#d9a441" },
};

export const DARK: Theme = {
  background: "#0d1117",
  text: "#f0f6fc",
  faint: "#9198a1",
  colors: { ours: "#3fcf9b", portable: "#566070", native: "#b98a2f" },
};

/** Where a panel lies; its title is above, its labels to the left of the bars. */
export interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const KINDS: Readonly<Record<Contestant["kind"], string>> = {
  ours: "wasmguard",
  portable: "other libraries",
  native: "native code",
};
const FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif";
const LABEL_WIDTH = 226;
const VALUE_WIDTH = 80;
const MARGIN = 16;
const TITLE_HEIGHT = 28;
export const ROW_HEIGHT = 24;

/** Height of a panel with all its bars at their usual thickness. */
export function panelHeight({ bars }: Panel): number {
  return TITLE_HEIGHT + bars.length * ROW_HEIGHT;
}

/** The options of a chart of these panels at these places. */
export function chartOption(panels: readonly Panel[], places: readonly Place[], theme: Theme) {
  const kinds = Object.keys(KINDS) as Contestant["kind"][];
  return {
    backgroundColor: theme.background,
    textStyle: { fontFamily: FONT, color: theme.text },
    legend: {
      top: MARGIN,
      left: MARGIN,
      padding: 0,
      itemWidth: 14,
      itemHeight: 14,
      itemGap: 28,
      textStyle: { color: theme.text, fontSize: 13 },
    },
    title: panels.map(({ title }, i) => ({
      text: title,
      left: places[i]!.left,
      top: places[i]!.top,
      padding: 0,
      textStyle: { color: theme.text, fontSize: 14, fontWeight: 600 },
    })),
    grid: places.map(({ left, top, width, height }) => ({
      left: left + LABEL_WIDTH,
      top: top + TITLE_HEIGHT,
      width: width - LABEL_WIDTH - VALUE_WIDTH,
      height: height - TITLE_HEIGHT,
      containLabel: false,
    })),
    xAxis: panels.map((_, gridIndex) => ({ gridIndex, type: "value", show: false, min: 0, max: "dataMax" })),
    yAxis: panels.map(({ bars }, gridIndex) => ({
      gridIndex,
      type: "category",
      inverse: true,
      data: bars.map((bar) => bar.label),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: theme.faint, fontSize: 12, interval: 0, margin: 8 },
    })),
    series: panels.flatMap(({ bars }, index) =>
      kinds.map((kind) => ({
        name: KINDS[kind],
        type: "bar",
        stack: String(index),
        xAxisIndex: index,
        yAxisIndex: index,
        barWidth: ROW_HEIGHT - 8,
        itemStyle: { color: theme.colors[kind], borderRadius: [0, 3, 3, 0] },
        label: {
          show: true,
          position: "right",
          color: theme.text,
          fontSize: 12,
          formatter: ({ dataIndex }: { dataIndex: number }) => bars[dataIndex]?.text ?? "",
        },
        data: bars.map((bar) => (bar.kind === kind ? bar.value : null)),
      })),
    ),
  };
}

/** A picture for README: the first panel to the left, the others below one another to its right. */
export function overviewSvg(panels: readonly Panel[], theme: Theme): string {
  const [first, ...rest] = panels as [Panel, ...Panel[]];
  const gap = 24;
  const top = MARGIN + 36;
  const width = 1040;
  const half = (width - gap) / 2 - MARGIN;
  let y = top;
  const places = rest.map((panel) => {
    const place = { left: MARGIN + half + gap, top: y, width: half, height: panelHeight(panel) };
    y += place.height + gap;
    return place;
  });
  const height = Math.max(y - gap, top + panelHeight(first)) + MARGIN;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  const left = { left: MARGIN, top, width: half, height: panelHeight(first) };
  chart.setOption({ ...chartOption(panels, [left, ...places], theme), animation: false });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

export { echarts };
