/**
 * The command line of `npm run bench:tunnel`.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RUNTIMES, type RuntimeName } from "../runtimes.ts";
import { PEER_COUNTS } from "./peers.ts";
import { OUR_RUNTIMES, VARIANTS, type Variant } from "./programs.ts";
import { TESTS, type Test } from "./results.ts";

const USAGE = `npm run bench:tunnel [-- options] [PROGRAM…]   (as root)
  PROGRAM, --program CMD  compare with this, any command with wireguard-go's command line; may be given several times.
                          Without it: wireguard-go, and the newest one where scripts/install-peers.sh has built it
  --runtime NAME[,NAME…]  wasmguard in these: ${RUNTIMES.join(", ")}; or none. Without it: ${OUR_RUNTIMES.join(",")}
  --rivals                wasmguard in Node 26 against the newest wireguard-go, gotatun and boringtun (scripts/install-peers.sh) with UDP in three
                          sizes; figures and tables of their own: bench/results/rivals.json, and "Rivals" in docs/benchmarks.md. In full:
                          npm run bench:tunnel -- --rivals --write-docs
  --traffic, --start, --peers, --handshakes   only these parts; without any of them all
  --tests LIST            of ${TESTS.join(",")}
  --variants "LIST"       of ${VARIANTS.join(",")}: ways to run wasmguard, in the first of the runtimes (all)
  --repetitions N         of everything, alternating between the programs (3)
  --seconds N             of each iperf3 run (3)
  --paced MBITS           rate of the paced UDP test (100)
  --no-bare               leave out the veth pair without a tunnel
  --out FILE              where the figures go, JSON (bench/results/tunnel.json)
  --smoke                 does everything work? half a minute; its figures mean nothing and are not kept
  --write-docs            afterwards bring docs/benchmarks.md and the charts up to date
  --docs-only             do just that, with the figures that are there`;

export type SectionName = "traffic" | "start" | "peers" | "handshakes";
const SECTIONS: readonly SectionName[] = ["traffic", "start", "peers", "handshakes"];
/** From 100 handshakes a second on gotatun and boringtun ask for cookies, so there is no rate of theirs to compare with. */
const RIVALS_SECTIONS = SECTIONS.filter((name) => name !== "handshakes");

export interface BenchOptions {
  /** Whom to compare with where no program is named. */
  readonly against: "wireguard-go" | "rivals";
  readonly runtimes: readonly RuntimeName[];
  readonly programs: readonly string[];
  readonly sections: readonly SectionName[];
  readonly tests: readonly Test[];
  readonly variants: readonly Variant[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly pacedMegabits: number;
  readonly bare: "bare link too" | "programs only";
  readonly peerCounts: readonly number[];
  readonly handshakes: number;
  readonly out: string;
  readonly smoke: boolean;
  readonly writeDocs: boolean;
  readonly docsOnly: boolean;
  /** The command line as it was given. */
  readonly given: readonly string[];
  /** When everything is ended by force. */
  readonly limitMs: number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MINUTE_MS = 60_000;

function usage(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args,
      options: {
        program: { type: "string", multiple: true, default: [] },
        runtime: text,
        tests: text,
        variants: text,
        repetitions: text,
        seconds: text,
        paced: { type: "string", default: "100" },
        bare: { type: "boolean", default: true },
        out: text,
        traffic: flag,
        start: flag,
        peers: flag,
        handshakes: flag,
        smoke: flag,
        rivals: flag,
        "write-docs": flag,
        "docs-only": flag,
        help: flag,
      },
      allowPositionals: true,
      allowNegative: true,
    });
  } catch (error) {
    return usage((error as Error).message);
  }
}

function positive(name: string, value: string): number {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : usage(`--${name} wants a whole number above 0`);
}

function chosen<T extends string>(name: string, known: readonly T[], list: string): T[] {
  return list.split(",").map((word) => known.find((one) => one === word) ?? usage(`--${name}: there is no "${word}"`));
}

export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parse([...args]);
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const { smoke, rivals } = values;
  const few = smoke || rivals;
  const sections = SECTIONS.filter((name) => values[name]);
  const repetitions = positive("repetitions", values.repetitions ?? (smoke ? "1" : "3"));
  const runtime = values.runtime ?? (few ? "node26" : OUR_RUNTIMES.join(","));
  const file = smoke ? "../.build/tunnel-smoke.json" : rivals ? "../results/rivals.json" : "../results/tunnel.json";
  return {
    against: rivals ? "rivals" : "wireguard-go",
    runtimes: runtime === "none" ? [] : chosen("runtime", RUNTIMES, runtime),
    programs: [...values.program, ...positionals],
    sections: sections.length > 0 ? sections : rivals ? RIVALS_SECTIONS : SECTIONS,
    tests: chosen("tests", TESTS, values.tests ?? (smoke ? "tcp1,udp,ping" : TESTS.join(","))),
    variants: chosen("variants", VARIANTS, values.variants ?? (few ? "plain" : VARIANTS.join(","))),
    repetitions,
    seconds: positive("seconds", values.seconds ?? (smoke ? "1" : "3")),
    pacedMegabits: positive("paced", values.paced),
    bare: values.bare && !few ? "bare link too" : "programs only",
    peerCounts: smoke ? [1, 1000] : PEER_COUNTS,
    handshakes: smoke ? 200 : 2000,
    out: values.out ?? here(file),
    smoke,
    writeDocs: values["write-docs"],
    docsOnly: values["docs-only"],
    given: args.filter((one) => one !== "--write-docs"),
    limitMs: (smoke ? 2 : 10 + 5 * repetitions) * MINUTE_MS,
  };
}
