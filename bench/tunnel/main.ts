/**
 * `npm run bench:tunnel`: wasmguard in Node, Bun and Deno against programs with wireguard-go's command line, between two
 * network namespaces. Prints tables, keeps the figures in bench/results/tunnel.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { installBenchPackages } from "../install.ts";
import { type BenchOptions, readOptions, type SectionName } from "./options.ts";
import { installedOurs, installedPeers, installedRivals, ours, type Program, theirs } from "./programs.ts";
import type { TunnelResults } from "./results.ts";
import { enter, isInside, obstacle } from "./sandbox.ts";

const say = (text: string) => console.error(text);

function choosePrograms(options: BenchOptions): { all: Program[]; plain: Program[] } {
  const installed = installedOurs(options.runtimes, say);
  const special = options.variants.filter((variant) => variant !== "plain");
  const further = installed.slice(0, 1).flatMap(({ runtime }) => special.map((variant) => ours(runtime!, variant)));
  const mine = options.variants.includes("plain") ? installed : further;
  const installedTheirs = () => (options.against === "rivals" ? installedRivals(say) : installedPeers());
  const rivals = options.programs.length > 0 ? options.programs.map(theirs) : installedTheirs();
  return { all: [...new Set([...mine, ...further, ...rivals])], plain: [...mine, ...rivals] };
}

/** Several times each, alternating between the programs; what fails is said and left out. */
async function repeat<T>(
  what: string,
  repetitions: number,
  programs: readonly Program[],
  measure: (program: Program) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const program of programs) {
      try {
        results.push(await measure(program));
      } catch (error) {
        say(`  ${what}, ${program.name} #${repetition}: FAILED: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
  }
  return results;
}

async function measureAll(options: BenchOptions): Promise<TunnelResults> {
  const { iperfVersion, loadAverage, machine } = await import("./machine.ts");
  const { all, plain } = choosePrograms(options);
  if (all.length === 0) throw new Error("there is no program to measure");
  const { repetitions, seconds, pacedMegabits, tests } = options;
  const wants = (section: SectionName) => options.sections.includes(section);
  const load = loadAverage();
  say(`${machine().cpu}, ${machine().cores} cores, load ${load}; ${all.map((one) => one.name).join("; ")}`);

  const { compare } = await import("./series.ts");
  const traffic = wants("traffic")
    ? await compare({ programs: all, tests, repetitions, seconds, pacedMegabits, bare: options.bare, say })
    : [];

  const { measureStart } = await import("./start.ts");
  if (wants("start")) say("Start …");
  const start = wants("start") ? await repeat("start", repetitions, plain, measureStart) : [];

  // Peers and handshakes depend on the program, hardly on the runtime: one of ours is enough.
  const [first] = plain.filter((one) => one.kind === "ours");
  const few = plain.filter((one) => one === first || one.kind === "theirs");
  const { measurePeers } = await import("./peers.ts");
  if (wants("peers")) say("Peers …");
  const peers: TunnelResults["peers"][number][] = [];
  for (const count of wants("peers") ? options.peerCounts : []) {
    peers.push(...(await repeat("peers", repetitions, few, (program) => measurePeers(program, count))));
  }

  const { makeInitiators, measureHandshakes } = await import("./handshakes.ts");
  if (wants("handshakes")) say("Handshakes …");
  const initiators = wants("handshakes") ? makeInitiators(options.handshakes) : undefined;
  const handshakes = initiators
    ? await repeat("handshakes", repetitions, few, (program) => measureHandshakes(program, initiators))
    : [];

  if (traffic.some((one) => one.failed)) process.exitCode = 1;
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    command: ["npm run bench:tunnel", ...(options.given.length > 0 ? ["--", ...options.given] : [])].join(" "),
    machine: machine(),
    load: [load, loadAverage()],
    seconds,
    pacedMegabits,
    programs: all.map(({ name, kind, version }) => ({ name, kind, version })),
    iperf: iperfVersion(),
    traffic,
    peers,
    handshakes,
    start,
  };
}

async function writeDocs(): Promise<void> {
  installBenchPackages();
  const { writeTunnelDocs } = await import("./docs.ts");
  for (const path of writeTunnelDocs()) say(`wrote ${path}`);
}

async function inside(options: BenchOptions): Promise<void> {
  const results = await measureAll(options);
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify(results, null, 1)}\n`);
  const { circumstances, sections } = await import("./tables.ts");
  const text = sections(results).map(({ title, body }) => `\n${title}\n${body}`);
  console.log([...circumstances(results), ...text, `\nKept in ${options.out}`].join("\n"));
}

const options = readOptions(process.argv.slice(2));
if (isInside()) {
  await inside(options);
} else if (options.docsOnly) {
  await writeDocs();
} else {
  const reason = obstacle();
  if (reason) {
    // In CI everything is installed: what cannot run there is an error.
    const skip = options.smoke && !process.env.CI;
    console.log(`bench:tunnel ${skip ? "skipped" : "cannot run"}: ${reason}`);
    process.exit(skip ? 0 : 1);
  }
  installBenchPackages(); // from the registry, which the sandbox cannot reach
  process.exitCode = await enter(options.limitMs);
  if (options.writeDocs) await writeDocs();
}
