// The part that runs inside the runtime under test, bundled into one file: measures, and writes the figures to the file
// named in its request (one argument, JSON). Progress goes to standard error.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import { allCases } from "./cases.ts";
import { nodeCrypto } from "./contestants/node-crypto.ts";
import { portable } from "./contestants/portable.ts";
import { build } from "./contestants/wasmguard.ts";
import { webCrypto } from "./contestants/web-crypto.ts";
import { measureAll, type Settings } from "./measure.ts";
import { opensslSpeed } from "./openssl.ts";
import type { CryptoResults, Machine } from "./results.ts";

export interface Request {
  readonly runtime: string;
  readonly command: string;
  readonly out: string;
  readonly settings: Settings;
  readonly openssl: "measure" | "skip";
  readonly versions: Readonly<Record<string, string>>;
  readonly pinnedTo?: number;
}

const GIB = 2 ** 30;
const ROUNDS_PER_LINE = 5;

function runtimeVersion(): string {
  const { Bun, Deno } = globalThis as { Bun?: { version: string }; Deno?: { version: { deno: string } } };
  if (Bun) return `Bun ${Bun.version}`;
  if (Deno) return `Deno ${Deno.version.deno}`;
  return `Node ${process.versions.node}`;
}

function systemName(): string {
  try {
    return readFileSync("/etc/os-release", "utf8").match(/^PRETTY_NAME="(.*)"$/m)?.[1] ?? os.type();
  } catch {
    return os.type();
  }
}

function machine(pinnedTo: number | undefined): Machine {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / GIB),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    system: systemName(),
    ...(pinnedTo !== undefined && { pinnedTo }),
  };
}

const load = () => Math.round(os.loadavg()[0]! * 100) / 100;

const request = JSON.parse(process.argv[2]!) as Request;
const { settings, pinnedTo } = request;
const loadBefore = load();
let said = 0;
const cases = await measureAll(
  allCases(),
  [...portable, ...nodeCrypto, ...webCrypto],
  settings,
  ({ round, rounds }) => {
    if (round === said || (round % ROUNDS_PER_LINE !== 0 && round !== rounds)) return;
    said = round;
    console.error(`  round ${round} of ${rounds}`);
  },
);
const prefix =
  pinnedTo !== undefined && spawnSync("taskset", ["--version"]).status === 0 ? ["taskset", "-c", String(pinnedTo)] : [];
const results: CryptoResults = {
  runtime: request.runtime,
  runtimeVersion: runtimeVersion(),
  wasm: build === "relaxed" ? "relaxed SIMD" : "SIMD",
  date: new Date().toISOString().slice(0, 16).replace("T", " "),
  command: request.command,
  machine: machine(pinnedTo),
  load: [loadBefore, load()],
  rounds: settings.rounds,
  versions: request.versions,
  cases,
  openssl: request.openssl === "measure" ? opensslSpeed(prefix) : { skipped: "not asked for" },
};
writeFileSync(request.out, `${JSON.stringify(results, null, 1)}\n`);
