// Brings the generated parts of docs/benchmarks-crypto.md and README.md, and the charts, up to date with bench/results/.
// Generated parts lie between two comments; everything else in those files is written by hand and stays.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Primitive } from "../crypto/contestant.ts";
import type { CryptoResults } from "../crypto/results.ts";
import { RUNTIMES } from "../runtimes.ts";
import { DARK, LIGHT, overviewSvg } from "./chart.ts";
import { times } from "./format.ts";
import { overview } from "./panels.ts";
import { circumstances, sections, summaryTable, targetTable } from "./tables.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MAIN_RUNTIME = "node26";

function load(runtime: string): CryptoResults | undefined {
  const path = here(`../results/crypto-${runtime}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as CryptoResults) : undefined;
}

/** Replace what lies between `<!-- name:begin -->` and `<!-- name:end -->`. @throws Error when they are not there */
export function replacePart(text: string, name: string, part: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no ${begin} … ${end} in the page`);
  return `${text.slice(0, from + begin.length)}\n${part.trim()}\n${text.slice(to)}`;
}

function rewrite(path: string, name: string, part: string): void {
  writeFileSync(path, replacePart(readFileSync(path, "utf8"), name, part));
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

function versionLine({ versions }: CryptoResults): string {
  return Object.entries(versions)
    .filter(([name]) => !["echarts", "esbuild", "markdown-table"].includes(name))
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

/** The tables of one runtime, folded away for all but the main one. */
function runtimePart(results: CryptoResults): string {
  const parts = sections(results).map(({ title, body }) => `### ${title}\n\n${body}`);
  const targets = targetTable(results);
  const head = [
    `## ${results.runtimeVersion}`,
    list(circumstances(results)),
    ...(targets ? ["What this project sets itself, as a ratio of throughput:", targets] : []),
  ];
  const isMain = results.runtime === MAIN_RUNTIME;
  const folded = isMain ? parts : ["<details>", "<summary>All tables</summary>", ...parts, "</details>"];
  return [...head, ...folded].join("\n\n");
}

/** Throughput of one of ours over that of a library, in words for README. */
function headline(
  { cases }: CryptoResults,
  what: string,
  primitive: Primitive,
  bytes: number,
  rivals: readonly string[],
): string {
  const { results } = cases.find((one) => one.primitive === primitive && one.bytes === bytes)!;
  const ours = results.find((one) => one.kind === "ours" && one.variant !== "batch in linear memory")!;
  const against = rivals.flatMap((library) => {
    const calls = results.filter((one) => one.library === library && one.variant !== "raw Wasm export");
    const best = Math.min(...calls.map((one) => one.medianNs));
    return calls.length === 0 ? [] : [`${times(best / ours.medianNs)} ${library}`];
  });
  return `**${what}**: ${against.join(", ")}`;
}

function readmePart(results: CryptoResults): string {
  const ratios = [
    headline(results, "ChaCha20-Poly1305, a packet of 1420 bytes", "aead-seal", 1420, [
      "libsodium-wrappers",
      "@noble/ciphers",
      "node:crypto",
    ]),
    headline(results, "X25519, a shared secret", "x25519-shared", 0, [
      "libsodium-wrappers",
      "@noble/curves",
      "node:crypto",
    ]),
    headline(results, "BLAKE2s of 64 bytes", "blake2s", 64, ["hash-wasm", "@noble/hashes", "node:crypto"]),
  ];
  return `Throughput through the ordinary calls, in ${results.runtimeVersion} on one core (${results.machine.cpu}), as a multiple of others':

${list(ratios)}

<picture>
  <source media="(prefers-color-scheme: dark)" srcset="docs/images/crypto-dark.svg">
  <img alt="Bar charts of throughput: wasmguard/crypto, other JavaScript and WebAssembly libraries, and native code" src="docs/images/crypto-light.svg">
</picture>`;
}

/** @returns the files written */
export function writeDocs(): string[] {
  const all = RUNTIMES.flatMap((runtime) => load(runtime) ?? []);
  const main = all.find((one) => one.runtime === MAIN_RUNTIME);
  if (!main) throw new Error("no figures for Node 26 in bench/results/: npm run bench");
  const images = here("../../docs/images");
  mkdirSync(images, { recursive: true });
  const charts = [
    { path: `${images}/crypto-light.svg`, theme: LIGHT },
    { path: `${images}/crypto-dark.svg`, theme: DARK },
  ];
  for (const { path, theme } of charts) writeFileSync(path, `${overviewSvg(overview(main), theme)}\n`);
  const page = here("../../docs/benchmarks-crypto.md");
  const picture = `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="images/crypto-dark.svg">
  <img alt="Bar charts of the tables below" src="images/crypto-light.svg">
</picture>`;
  const parts = [picture, summaryTable(all), `Versions: ${versionLine(main)}.`, ...all.map(runtimePart)];
  rewrite(page, "crypto", parts.join("\n\n"));
  const readme = here("../../README.md");
  rewrite(readme, "crypto-chart", readmePart(main));
  return [...charts.map(({ path }) => path), page, readme];
}
