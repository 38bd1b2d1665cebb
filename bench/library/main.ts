/**
 * `npm run bench:library`: the library as programs embed it, in every runtime and with either driver, beside the runtime's own sockets.
 * Speeds are of two processes over loopback; a second of CPU time is that of the end that takes more.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { fileURLToPath } from "node:url";
import { chosen, misused, positive, readCommandLine } from "../command-line.ts";
import { RUNTIMES, type RuntimeName } from "../runtimes.ts";
import { libraryCommand } from "./command.ts";
import type { CipherResult } from "./options.ts";
import type { Contestant, LibraryResults, RuntimeResults, Tunnel } from "./results.ts";
import { CONTESTANTS, libraryPart } from "./tables.ts";
import { type Throughput, throughput } from "./throughput.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const ROOT = here("../..");
const RESULTS = here("../results/library.json");
const PAGE = here("../../docs/benchmarks.md");
const PARTS = ["first-packet", "memory", "cipher", "speed"] as const;
const DRIVERS = ["portable", "ffi"] as const;
/** Sockets of a thousand devices. */
const DESCRIPTORS = 4096;

const USAGE = `npm run bench:library [-- options]
  --runtimes LIST    of ${RUNTIMES.join(",")}; without it node26,node24,bun,deno
  --seconds N        of each measurement of speed (5)
  --repeat N         of everything, alternating between the contestants (3)
  --baseline FOLDER  compare with another checkout of this repository, built
  --parts LIST       of ${PARTS.join(",")} (all)
  --contestants LIST measure the speed of these only, of ${CONTESTANTS.join(",")}
  --save             bring bench/results/library.json and docs/benchmarks.md up to date; needs all parts
  --smoke            does everything work? its figures mean nothing`;

const values = readCommandLine(USAGE, {
  seconds: { type: "string", default: "5" },
  repeat: { type: "string", default: "3" },
  runtimes: { type: "string", default: "node26,node24,bun,deno" },
  baseline: { type: "string" },
  parts: { type: "string", default: PARTS.join(",") },
  contestants: { type: "string", default: CONTESTANTS.join(",") },
  save: { type: "boolean", default: false },
  smoke: { type: "boolean", default: false },
});

const seconds = values.smoke ? 0.5 : positive(USAGE, "seconds", values.seconds);
const repeat = values.smoke ? 1 : positive(USAGE, "repeat", values.repeat);
const runtimes = chosen(USAGE, "runtimes", RUNTIMES, values.smoke ? "node26" : values.runtimes);
const parts = chosen(USAGE, "parts", PARTS, values.parts);
const contestants = chosen(USAGE, "contestants", CONTESTANTS, values.contestants);
if (values.save && contestants.length < CONTESTANTS.length) misused(USAGE, "--save needs all contestants");
if (values.save && parts.length < PARTS.length) misused(USAGE, "--save needs all parts");
const counts = values.smoke ? [1, 3] : [1, 10, 100, 1000];

const median = <T>(list: readonly T[], by: (item: T) => number): T =>
  [...list].sort((a, b) => by(a) - by(b))[list.length >> 1]!;

/** Run a program of this folder to its end. @returns what it wrote */
function measured<T>(runtime: RuntimeName, program: string, options: object): T {
  const command = [...libraryCommand(runtime), here(program), JSON.stringify(options)];
  const { stdout, status } = spawnSync("sh", ["-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", ...command], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`${program} in ${runtime} ended with ${status}`);
  return JSON.parse(stdout.toString());
}

async function speeds(runtime: RuntimeName): Promise<RuntimeResults["throughput"]> {
  const runs: Partial<Record<Contestant, Throughput[]>> = {};
  const take = async (contestant: Contestant, root = ROOT) => {
    if (!contestants.includes(contestant)) return;
    const list = runs[contestant] ?? [];
    runs[contestant] = list;
    list.push(await throughput(runtime, { root, contestant, seconds }));
    console.error(`${runtime} ${contestant}: ${list.at(-1)!.megabitsPerSecond.toFixed(0)} Mbit/s`);
  };
  // By turns: what else the machine does is everybody's.
  for (let i = 0; i < repeat; i++) {
    if (values.baseline !== undefined) await take("baseline", values.baseline);
    for (const driver of DRIVERS) await take(driver);
    await take("sockets");
    await take("sealed sockets");
    if (runtime === "deno") await take("unstable sockets");
  }
  const entries = Object.entries(runs).map(([name, list]) => [name, median(list, (run) => run.megabitsPerCpuSecond)]);
  return Object.fromEntries(entries);
}

async function measure(runtime: RuntimeName): Promise<RuntimeResults> {
  const firstPacket: Partial<Record<Tunnel, number>> = {};
  const memory: Partial<Record<Tunnel, Record<string, number>>> = {};
  for (const driver of DRIVERS) {
    if (parts.includes("memory")) memory[driver] = measured(runtime, "memory.ts", { root: ROOT, driver, counts });
    if (!parts.includes("first-packet")) continue;
    const times = Array.from({ length: repeat }, () => measured<number>(runtime, "first.ts", { root: ROOT, driver }));
    firstPacket[driver] = median(times, (time) => time);
  }
  const cipher = parts.includes("cipher") ? measured<CipherResult>(runtime, "cipher.ts", { root: ROOT }) : undefined;
  return { runtime, throughput: parts.includes("speed") ? await speeds(runtime) : {}, cipher, firstPacket, memory };
}

const before = loadavg()[0]!;
const measurements: RuntimeResults[] = [];
for (const runtime of runtimes) measurements.push(await measure(runtime));
const results: LibraryResults = {
  date: new Date().toISOString().slice(0, 16).replace("T", " "),
  command: ["npm run bench:library --", ...process.argv.slice(2)].join(" "),
  machine: { cpu: cpus()[0]!.model, cores: cpus().length, kernel: `Linux ${release()}` },
  load: [before, loadavg()[0]!],
  baseline:
    values.baseline && execFileSync("git", ["-C", values.baseline, "log", "-1", "--format=%h (%cs)"]).toString().trim(),
  seconds,
  runtimes: measurements,
};
console.log(libraryPart(results));
if (values.save) {
  // Runtimes may be measured one after the other: the others' rows stay.
  const others = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, "utf8")) as LibraryResults).runtimes : [];
  const rows = [...others.filter(({ runtime }) => !runtimes.includes(runtime)), ...measurements];
  const all = { ...results, runtimes: rows };
  const part = libraryPart(all);
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`);
  const page = readFileSync(PAGE, "utf8");
  const [begin, end] = ["<!-- library:begin -->", "<!-- library:end -->"];
  writeFileSync(PAGE, `${page.slice(0, page.indexOf(begin))}${begin}\n${part}\n${page.slice(page.indexOf(end))}`);
}
process.exit(0);
