// One card of the page: a primitive, its sizes to choose from, the bars of the chosen size and their figures as a table.
import type { Primitive } from "../crypto/contestant.ts";
import type { CaseResult } from "../crypto/results.ts";
import { chartOption, DARK, echarts, LIGHT, panelHeight } from "../report/chart.ts";
import { duration, rate, times } from "../report/format.ts";
import { label, TITLES } from "../report/names.ts";
import { fullPanel } from "../report/panels.ts";

const PREFERRED_BYTES = [1420, 64, 0];
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The card has a heading of its own, so the chart's place for one is pushed out of sight. */
const TITLE_SPACE = 28;

export class Card {
  readonly element: HTMLElement;
  readonly #cases = new Map<number, CaseResult>();
  #chosen: number | undefined;
  #chart: ReturnType<typeof echarts.init> | undefined;

  constructor(primitive: Primitive) {
    const template = document.querySelector<HTMLTemplateElement>("#card")!;
    this.element = (template.content.cloneNode(true) as DocumentFragment).querySelector("section")!;
    this.element.dataset.primitive = primitive;
    this.#part("h2").textContent = TITLES[primitive];
    dark.addEventListener("change", () => this.#draw());
    addEventListener("resize", () => this.#draw());
  }

  /** New figures of one size. */
  update(result: CaseResult): void {
    const { bytes } = result;
    const isNew = !this.#cases.has(bytes);
    this.#cases.set(bytes, result);
    if (isNew) {
      this.#chosen = PREFERRED_BYTES.find((one) => this.#cases.has(one)) ?? this.#chosen ?? bytes;
      this.#offerSizes();
    }
    if (bytes === this.#chosen || isNew) this.#draw();
  }

  #part(selector: string): HTMLElement {
    return this.element.querySelector<HTMLElement>(selector)!;
  }

  #offerSizes(): void {
    const sizes = [...this.#cases.keys()].filter((bytes) => bytes > 0).sort((a, b) => a - b);
    const buttons = sizes.map((bytes) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${bytes} B`;
      button.dataset.bytes = String(bytes);
      button.addEventListener("click", () => {
        this.#chosen = bytes;
        this.#draw();
      });
      return button;
    });
    this.#part(".sizes").replaceChildren(...buttons);
    this.#part(".sizes").hidden = buttons.length === 0;
  }

  #draw(): void {
    const result = this.#chosen === undefined ? undefined : this.#cases.get(this.#chosen);
    if (!result) return;
    for (const button of this.element.querySelectorAll<HTMLElement>(".sizes button")) {
      button.setAttribute("aria-pressed", String(button.dataset.bytes === String(this.#chosen)));
    }
    this.#drawChart(result);
    this.#fillTable(result);
    const missing = this.#part(".missing");
    const names = [...new Set(result.unavailable.map(({ library }) => library))];
    const hasNative = result.results.some(({ kind }) => kind === "native");
    missing.hidden = names.length === 0 && hasNative;
    missing.textContent =
      names.length > 0 ? `Not available in this browser: ${names.join(", ")}` : "WebCrypto does not offer this.";
  }

  #drawChart(result: CaseResult): void {
    const panel = { ...fullPanel(result), title: "" };
    const box = this.#part(".chart");
    const width = box.clientWidth;
    const height = panelHeight(panel);
    box.style.height = `${height}px`;
    this.#chart ??= echarts.init(box, null, { renderer: "svg" });
    this.#chart.resize({ width, height });
    const theme = { ...(dark.matches ? DARK : LIGHT), background: "transparent" };
    const option = chartOption([panel], [{ left: 0, top: -TITLE_SPACE, width, height: height + TITLE_SPACE }], theme);
    this.#chart.setOption({ ...option, legend: { show: false }, animationDurationUpdate: 300 });
  }

  #fillTable({ bytes, results }: CaseResult): void {
    const ours = results.find((one) => one.variant === "output given" && one.kind === "ours") ?? results[0]!;
    const rows = [...results]
      .sort((a, b) => a.medianNs - b.medianNs)
      .map((one) => {
        const row = document.createElement("tr");
        const cells = [
          label(one),
          duration(one.medianNs),
          rate(bytes, one.medianNs),
          one === ours ? "" : times(one.medianNs / ours.medianNs),
        ];
        row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
        return row;
      });
    this.#part("tbody").replaceChildren(...rows);
  }
}
