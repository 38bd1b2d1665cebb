/**
 * Brings the tunnel parts of docs/benchmarks.md and of the README, the charts and the profile up to date with bench/results/.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DARK, LIGHT } from "../report/chart.ts";
import { replacePart } from "../report/docs.ts";
import { tunnelSvg } from "./chart.ts";
import { PROFILE_FILE, type ProfileResults } from "./profile/results.ts";
import { profileMarkdown } from "./profile/tables.ts";
import type { Test, TunnelResults } from "./results.ts";
import { figure, type MetricName, ratio } from "./summary.ts";
import { circumstances, sections } from "./tables.ts";
import { DEBIAN_VERSION } from "./targets.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const RESULTS_FILE = here("../results/tunnel.json");
const RIVALS_FILE = here("../results/rivals.json");
const PAGE = here("../../docs/benchmarks.md");
const README = here("../../README.md");
const MIB = 2 ** 20;
const IMAGES = here("../../docs/images");

function load<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;
}

const picture = (images: string) => `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="${images}/tunnel-dark.svg">
  <img alt="Bar charts: rate and CPU time of TCP, rate of UDP and ping through the tunnel, wasmguard and wireguard-go" src="${images}/tunnel-light.svg">
</picture>`;

/** @param heading  of the sections, as Markdown marks it */
function tablesPart(results: TunnelResults, heading: "###" | "####", image: readonly string[]): string {
  const facts = circumstances(results).map((line) => `- ${line}`);
  const parts = sections(results).map(({ title, body }) => `${heading} ${title}\n\n${body}`);
  return [facts.join("\n"), ...image, ...parts].join("\n\n");
}

/** The first of our programs against the newest wireguard-go; undefined where that was not measured. */
function readmePart(results: TunnelResults): string | undefined {
  const main = results.programs.find(({ kind }) => kind === "ours");
  const newest = results.programs.find(
    ({ name, version }) => name.startsWith("wireguard-go") && version !== DEBIAN_VERSION,
  );
  if (!main || !newest) return undefined;
  const ours = (test: Test, metric: MetricName) => figure(results, main.name, test, metric)?.median ?? Number.NaN;
  const times = (test: Test, metric: MetricName) =>
    `${(ratio(results, main.name, newest.name, test, metric)?.median ?? Number.NaN).toFixed(2)}×`;
  const { machine } = results;
  return `Between two network namespaces on one machine (${machine.cpu}, ${machine.cores} cores), ${main.name} at both ends; × is to ${newest.name}:

- **TCP, one stream**: ${ours("tcp1", "megabits").toFixed(0)} Mbit/s, ${times("tcp1", "megabits")}, at ${times("tcp1", "cpu")} the CPU time
- **UDP, as fast as it can be sent**: ${ours("udp", "megabits").toFixed(0)} Mbit/s arrive, ${times("udp", "megabits")}
- **Ping, one each millisecond, median**: ${(ours("ping", "p50") * 1000).toFixed(0)} µs, ${times("ping", "p50")}
- **Memory under load**: at most ${(ours("tcp1", "peak") / MIB).toFixed(0)} MiB, ${times("tcp1", "peak")}

${picture("docs/images")}`;
}

/** @returns the files written */
export function writeTunnelDocs(): string[] {
  const written: string[] = [];
  let page = readFileSync(PAGE, "utf8");
  const results = load<TunnelResults>(RESULTS_FILE);
  if (results) {
    mkdirSync(IMAGES, { recursive: true });
    for (const [name, theme] of [
      ["light", LIGHT],
      ["dark", DARK],
    ] as const) {
      const path = `${IMAGES}/tunnel-${name}.svg`;
      writeFileSync(path, `${tunnelSvg(results, theme)}\n`);
      written.push(path);
    }
    page = replacePart(page, "tunnel", tablesPart(results, "###", [picture("images")]));
    const part = readmePart(results);
    if (part) {
      writeFileSync(README, replacePart(readFileSync(README, "utf8"), "tunnel-chart", part));
      written.push(README);
    }
  }
  const rivals = load<TunnelResults>(RIVALS_FILE);
  if (rivals) page = replacePart(page, "rivals", tablesPart(rivals, "####", []));
  const profile = load<ProfileResults>(PROFILE_FILE);
  if (profile) page = replacePart(page, "profile", profileMarkdown(profile));
  writeFileSync(PAGE, page);
  return [...written, PAGE];
}
