/** The tables of docs/security.md: what an intruder is allowed, as the test found it. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Report, ThreadOutcomes } from "./run.ts";

const DOCUMENT = fileURLToPath(new URL("../../../docs/security.md", import.meta.url));
const BEGIN = "<!-- by test/e2e/intruder: begin -->\n";
const END = "<!-- by test/e2e/intruder: end -->\n";

/** Outcomes of one runtime. */
export type Reports = ReadonlyMap<string, Report>;

/** One text where all runtimes agree, else one for each. */
function merge(byRuntime: ReadonlyMap<string, string>): string {
  const texts = new Set(byRuntime.values());
  if (texts.size === 1) return [...texts][0]!;
  return [...byRuntime].map(([runtime, text]) => `${runtime}: ${text}`).join("; ");
}

function outcomeOf(reports: Reports, attempt: string, pick: (threads: readonly ThreadOutcomes[]) => ThreadOutcomes) {
  const texts = [...reports].map(
    ([name, { threads }]) => [name, pick(threads).outcomes[attempt] ?? "not tried"] as const,
  );
  return merge(new Map(texts));
}

const main = (threads: readonly ThreadOutcomes[]): ThreadOutcomes => threads.find((thread) => thread.main)!;
const other = (threads: readonly ThreadOutcomes[]): ThreadOutcomes => threads.find((thread) => !thread.main)!;

function isVerdict(text: string): boolean {
  return text === "allowed" || text === "refused";
}

export function renderTables(reports: Reports): string {
  const [first] = reports.values();
  const attempts = Object.entries(main(first!.threads).outcomes);
  const lines = ["| attempt | main thread | other threads |", "|---|---|---|"];
  for (const [attempt, outcome] of attempts) {
    if (!isVerdict(outcome)) continue;
    lines.push(`| ${attempt} | ${outcomeOf(reports, attempt, main)} | ${outcomeOf(reports, attempt, other)} |`);
  }
  lines.push("", "| range tried on every thread | of it allowed |", "|---|---|");
  for (const [attempt, outcome] of attempts) {
    if (isVerdict(outcome)) continue;
    const [first, others] = [outcomeOf(reports, attempt, main), outcomeOf(reports, attempt, other)];
    lines.push(`| ${attempt} | ${first === others ? first : `main thread: ${first}; others: ${others}`} |`);
  }
  lines.push("", "| runtime | what is open in it |", "|---|---|");
  for (const [name, { descriptors }] of reports) lines.push(`| ${name} | ${descriptors.join(", ")} |`);
  return `${lines.join("\n")}\n`;
}

/** What the document says. */
export function documentedTables(): string {
  const text = readFileSync(DOCUMENT, "utf8");
  return text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END));
}

export function writeTables(tables: string): void {
  const text = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  writeFileSync(DOCUMENT, text.slice(0, begin) + tables + text.slice(end));
}
