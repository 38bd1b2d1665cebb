/**
 * `npm run bench:net`: the network stack. In one process without and with two devices; over emulated links beside Linux; memory of
 * connections; and clients of a tunnel that forward a port, others' too. Links and clients need root, and run in namespaces of their own.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { installBenchPackages } from "../install.ts";
import { loadAverage, machine } from "../tunnel/machine.ts";
import { enter, isInside, obstacle } from "../tunnel/sandbox.ts";
import { halfOpenBytes, idleConnections } from "./idle.ts";
import { joined } from "./joined.ts";
import { LINK, ROWS } from "./link.ts";
import { type NetOptions, type Part, readOptions } from "./options.ts";
import type { Circumstances, LinkPart, NetResults } from "./results.ts";
import { tunnelled } from "./tunnelled.ts";

const say = (text: string) => console.error(text);
const NEED_ROOT: readonly Part[] = ["link", "clients"];
const IDLE_SECONDS = 60;

/** How much of everything. */
const SCALES = {
  whole: { repetitions: 3, processSeconds: 5, linkSeconds: 20, clientSeconds: 5, connections: 10_000 },
  smoke: { repetitions: 1, processSeconds: 0.5, linkSeconds: 1, clientSeconds: 1, connections: 500 },
} as const;

async function observed<T>(
  { command }: NetOptions,
  seconds: number,
  measure: () => T | Promise<T>,
): Promise<T & Circumstances> {
  const before = loadAverage();
  const measured = await measure();
  const date = new Date().toISOString().slice(0, 16).replace("T", " ");
  return { date, command, load: [before, loadAverage()], seconds, ...measured };
}

async function repeat<T>(count: number, work: () => T | Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < count; i++) results.push(await work());
  return results;
}

function measureProcess(options: NetOptions) {
  const { repetitions, processSeconds } = SCALES[options.scale];
  const seconds = options.seconds ?? processSeconds;
  say("In one process …");
  return observed(options, seconds, async () => ({
    joined: await repeat(repetitions, () => joined(seconds)),
    tunnelled: await repeat(repetitions, () => tunnelled(seconds)),
  }));
}

async function measureLinks(options: NetOptions): Promise<LinkPart[]> {
  const { compare } = await import("./emulated/compare.ts");
  const seconds = options.seconds ?? SCALES[options.scale].linkSeconds;
  const parts: LinkPart[] = [];
  for (const { name, title, conditions, together, rounds } of ROWS.filter((row) => options.rows.includes(row.name))) {
    say(`Link: ${title} …`);
    const part = await observed(options, seconds, async () => {
      const [times, seedsEach] = options.scale === "smoke" ? [1, 1] : [rounds, together];
      const batches = await repeatWithSeeds(times, seedsEach, (seeds) =>
        compare({ ...LINK, ...conditions }, LINK, seeds, seconds),
      );
      return { row: name, runs: batches.flat() };
    });
    parts.push(part);
  }
  return parts;
}

async function repeatWithSeeds<T>(
  rounds: number,
  together: number,
  work: (seeds: number[]) => Promise<T>,
): Promise<T[]> {
  let seed = 1;
  return repeat(rounds, () => work(Array.from({ length: together }, () => seed++)));
}

function measureMemory(options: NetOptions) {
  const { connections } = SCALES[options.scale];
  say("Memory …");
  return observed(options, IDLE_SECONDS, () => {
    const { bytes, turns } = idleConnections(connections, IDLE_SECONDS);
    return {
      connections,
      idleConnectionBytes: bytes,
      idleTurns: turns,
      halfOpenBytes: halfOpenBytes(connections),
    };
  });
}

async function measureClients(options: NetOptions) {
  const { installedClients } = await import("./clients/programs.ts");
  const { measureClient } = await import("./clients/measure.ts");
  const { repetitions, clientSeconds } = SCALES[options.scale];
  const seconds = options.seconds ?? clientSeconds;
  const clients = installedClients().filter(({ kind }) => options.scale === "whole" || kind === "ours");
  return observed(options, seconds, async () => {
    const rounds = await repeat(repetitions, async () => {
      const runs = [];
      for (const client of clients) {
        say(`Client: ${client.name} …`);
        runs.push(...(await measureClient(client, seconds)));
      }
      return runs;
    });
    return { clients: clients.map(({ name, kind }) => ({ name, kind })), runs: rounds.flat() };
  });
}

function load(path: string): NetResults {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as NetResults) : {};
}

async function measureAll(options: NetOptions): Promise<void> {
  const results = options.scale === "smoke" ? {} : load(options.out);
  const wants = (part: Part) => options.parts.includes(part);
  results.machine = machine();
  results.runtime = `Node ${process.versions.node}`;
  // First, while the heap has nothing else in it.
  if (wants("memory")) results.memory = await measureMemory(options);
  if (wants("process")) results.process = await measureProcess(options);
  if (wants("link") && isInside()) {
    const parts = [...(await measureLinks(options)), ...(results.links ?? [])];
    results.links = ROWS.flatMap(({ name }) => parts.find(({ row }) => row === name) ?? []);
  }
  if (wants("clients") && isInside()) results.clients = await measureClients(options);
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify(results, null, 1)}\n`);
  const { sections } = await import("./tables.ts");
  for (const { title, body } of sections(results)) console.log(`\n${title}\n${body}`);
  console.log(`\nKept in ${options.out}`);
}

async function writeDocs(): Promise<void> {
  installBenchPackages();
  const { writeNetDocs } = await import("./docs.ts");
  for (const path of writeNetDocs()) say(`wrote ${path}`);
}

const options = readOptions(process.argv.slice(2));
if (isInside()) {
  await measureAll(options);
  process.exit();
}
if (options.docs !== "only") {
  installBenchPackages(); // from the registry, which the sandbox cannot reach
  const reason = options.parts.some((part) => NEED_ROOT.includes(part)) ? obstacle() : undefined;
  if (reason === undefined) {
    process.exitCode = await enter(options.limitMs);
  } else {
    say(`without ${NEED_ROOT.join(" and ")}: ${reason}`);
    // In CI everything is installed: what cannot run there is an error.
    if (process.env.CI) process.exitCode = 1;
    await measureAll(options);
  }
}
if (options.docs !== "no") await writeDocs();
process.exit();
