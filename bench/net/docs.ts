/** Brings the stack's part of docs/benchmarks.md, and its charts, up to date with bench/results/net.json. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DARK, LIGHT } from "../report/chart.ts";
import { replacePart } from "../report/docs.ts";
import { panelsSvg } from "../tunnel/chart.ts";
import { netPanels } from "./panels.ts";
import type { NetResults } from "./results.ts";
import { sections } from "./tables.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = here("../results/net.json");
const PAGE = here("../../docs/benchmarks.md");
const IMAGES = here("../../docs/images");

const PICTURE = `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="images/net-dark.svg">
  <img alt="Bar charts of the tables below" src="images/net-light.svg">
</picture>`;

/** @returns the files written */
export function writeNetDocs(): string[] {
  const results = JSON.parse(readFileSync(RESULTS, "utf8")) as NetResults;
  mkdirSync(IMAGES, { recursive: true });
  const charts = [
    { path: `${IMAGES}/net-light.svg`, theme: LIGHT },
    { path: `${IMAGES}/net-dark.svg`, theme: DARK },
  ];
  for (const { path, theme } of charts) writeFileSync(path, `${panelsSvg(netPanels(results), theme)}\n`);
  const { machine } = results;
  const facts = `${machine?.cpu}, ${machine?.cores} cores; ${machine?.system}, ${machine?.kernel}; ${results.runtime}.`;
  const parts = sections(results).map(({ title, body }) => `### ${title}\n\n${body}`);
  writeFileSync(PAGE, replacePart(readFileSync(PAGE, "utf8"), "net", [facts, PICTURE, ...parts].join("\n\n")));
  return [...charts.map(({ path }) => path), PAGE];
}
