/**
 * Brings the tunnel part of docs/benchmarks.md, its charts and its profile up to date with bench/results/.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DARK, LIGHT } from "../report/chart.ts";
import { replacePart } from "../report/docs.ts";
import { tunnelSvg } from "./chart.ts";
import { PROFILE_FILE, type ProfileResults } from "./profile/results.ts";
import { profileMarkdown } from "./profile/tables.ts";
import type { TunnelResults } from "./results.ts";
import { circumstances, sections } from "./tables.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const RESULTS_FILE = here("../results/tunnel.json");
const PAGE = here("../../docs/benchmarks.md");
const IMAGES = here("../../docs/images");

function load<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;
}

const PICTURE = `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="images/tunnel-dark.svg">
  <img alt="Bar charts: rate and CPU time of TCP, rate of UDP and ping through the tunnel, wasmguard and wireguard-go" src="images/tunnel-light.svg">
</picture>`;

function tunnelPart(results: TunnelResults): string {
  const facts = circumstances(results).map((line) => `- ${line}`);
  const parts = sections(results).map(({ title, body }) => `### ${title}\n\n${body}`);
  return [facts.join("\n"), PICTURE, ...parts].join("\n\n");
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
    page = replacePart(page, "tunnel", tunnelPart(results));
  }
  const profile = load<ProfileResults>(PROFILE_FILE);
  if (profile) page = replacePart(page, "profile", profileMarkdown(profile));
  writeFileSync(PAGE, page);
  return [...written, PAGE];
}
