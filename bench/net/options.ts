/** The command line of `npm run bench:net`. */
import { fileURLToPath } from "node:url";
import { chosen, positive, readCommandLine } from "../command-line.ts";
import { ROWS } from "./link.ts";

const USAGE = `npm run bench:net [-- options]   (parts "link" and "clients" as root)
  --parts LIST    of process,link,memory,clients (all); the figures of the others stay as they are
  --rows LIST     of the part "link": ${ROWS.map(({ name }) => name).join(",")} (all)
  --seconds N     of each measurement (process and clients 5, link 20)
  --out FILE      where the figures go, JSON (bench/results/net.json)
  --smoke         does everything work? its figures mean nothing and are not kept
  --write-docs    afterwards bring docs/benchmarks.md and the charts up to date
  --docs-only     do just that, with the figures that are there`;

export const PARTS = ["process", "link", "memory", "clients"] as const;
export type Part = (typeof PARTS)[number];

export interface NetOptions {
  readonly parts: readonly Part[];
  readonly rows: readonly string[];
  readonly seconds: number | undefined;
  readonly scale: "whole" | "smoke";
  readonly out: string;
  readonly docs: "no" | "afterwards" | "only";
  /** As it was given. */
  readonly command: string;
  /** When everything is ended by force. */
  readonly limitMs: number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export function readOptions(args: readonly string[]): NetOptions {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = { parts: text, rows: text, seconds: text, out: text, smoke: flag } as const;
  const values = readCommandLine(USAGE, { ...options, "write-docs": flag, "docs-only": flag });
  const rows = ROWS.map(({ name }) => name);
  const given = args.filter((one) => one !== "--write-docs");
  return {
    parts: chosen(USAGE, "parts", PARTS, values.parts ?? PARTS.join(",")),
    rows: chosen(USAGE, "rows", rows, values.rows ?? (values.smoke ? "loss-1" : rows.join(","))),
    seconds: values.seconds === undefined ? undefined : positive(USAGE, "seconds", values.seconds),
    scale: values.smoke ? "smoke" : "whole",
    out: values.out ?? here(values.smoke ? "../.build/net-smoke.json" : "../results/net.json"),
    docs: values["docs-only"] ? "only" : values["write-docs"] ? "afterwards" : "no",
    command: ["npm run bench:net", ...(given.length > 0 ? ["--", ...given] : [])].join(" "),
    limitMs: (values.smoke ? 2 : 30) * 60_000,
  };
}
