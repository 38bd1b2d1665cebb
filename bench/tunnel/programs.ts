/**
 * What is compared: wasmguard in each runtime that is installed, and any program with wireguard-go's command line.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../test/e2e/support/requirements.ts";
import { type RuntimeName, runtimeCommand } from "../runtimes.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROGRAM = here("../../bin/wasmguard.js");
/** Where scripts/install-peers.sh puts what it builds. */
const PEERS = here("../../.runtimes/peers");
const NEWEST = `${PEERS}/wireguard`;
/** They would keep a log in the temporary folder, and give up root for the user behind sudo. */
const RUST_OPTIONS = "--verbosity error --log /dev/null --disable-drop-privileges";
const RIVALS = [NEWEST, `${PEERS}/gotatun ${RUST_OPTIONS}`, `${PEERS}/boringtun-cli ${RUST_OPTIONS}`];
/** By the last part of the path. */
const NAMES: Readonly<Record<string, string>> = {
  wireguard: "wireguard-go",
  "wireguard-go": "wireguard-go",
  gotatun: "gotatun",
  "boringtun-cli": "boringtun",
};

/** Ways to run wasmguard, and the options that make them; measured in the first runtime only, but for the plain one. */
const VARIANT_OPTIONS = {
  plain: [],
  "offloads off": ["--no-tun-offload", "--no-tun-tcp", "--no-tun-udp", "--no-udp-gso", "--no-udp-gro"],
  "busy poll": ["--busy-poll", "2000"],
  "no looking": ["--busy-poll", "0"],
  "wide vectors": ["--wide-vectors"],
} as const satisfies Record<string, readonly string[]>;
export type Variant = keyof typeof VARIANT_OPTIONS;
export const VARIANTS = Object.keys(VARIANT_OPTIONS) as Variant[];
export const OUR_RUNTIMES = ["node26", "bun", "deno"] as const satisfies readonly RuntimeName[];

export interface Program {
  /** As tables name it. */
  readonly name: string;
  readonly kind: "ours" | "theirs";
  readonly command: readonly string[];
  readonly version: string;
  /** Ours only, as `variant`. */
  readonly runtime?: RuntimeName;
  readonly variant?: Variant;
}

function firstLine(command: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8", timeout: 10_000 });
  return `${stdout}${stderr}`.trim().split("\n")[0] ?? "";
}

const TITLES: Readonly<Partial<Record<RuntimeName, string>>> = { node26: "Node 26", bun: "Bun", deno: "Deno" };

/** @throws Error when the runtime is not installed, or wasmguard not built */
export function ours(runtime: RuntimeName, variant: Variant): Program {
  const command = runtimeCommand(runtime);
  if (!existsSync(here("../../dist"))) throw new Error("wasmguard is not built: npm run build");
  const version = firstLine([command[0]!, "--version"])
    .replace(/^v|^deno /, "")
    .split(" ")[0]!;
  const name = `wasmguard, ${TITLES[runtime] ?? runtime}`;
  return {
    name: variant === "plain" ? name : `${name}, ${variant}`,
    kind: "ours",
    command: [...command, PROGRAM, ...VARIANT_OPTIONS[variant]],
    version: `${runtime.replace(/\d+$/, "")} ${version}`,
    runtime,
    variant,
  };
}

/** A program by its command, split at spaces. @throws Error when there is no such program */
export function theirs(text: string): Program {
  const command = text.trim().split(/\s+/);
  if (findProgram(command[0]!) === undefined) throw new Error(`there is no program ${command[0]}`);
  const version = /\d+\.\d+(\.\d+)?/.exec(firstLine([...command, "--version"]))?.[0] ?? "";
  const isKnown = command.length === 1 || RIVALS.includes(text);
  const known = isKnown ? NAMES[basename(command[0]!)] : undefined;
  return { name: known === undefined ? text : `${known} ${version}`, kind: "theirs", command, version };
}

/** wireguard-go of the system, and the newest one where scripts/install-peers.sh has built it. */
export function installedPeers(): Program[] {
  return ["wireguard-go", NEWEST].filter((path) => findProgram(path) !== undefined).map(theirs);
}

/** What scripts/install-peers.sh builds: the newest wireguard-go, gotatun and boringtun. Of those that are not there says so. */
export function installedRivals(say: (text: string) => void): Program[] {
  return RIVALS.flatMap((text) => {
    try {
      return [theirs(text)];
    } catch (error) {
      say(`${(error as Error).message}: scripts/install-peers.sh`);
      return [];
    }
  });
}

/** Ours in the runtimes that are there; of the others says why not. */
export function installedOurs(runtimes: readonly RuntimeName[], say: (text: string) => void): Program[] {
  return runtimes.flatMap((runtime) => {
    try {
      return [ours(runtime, "plain")];
    } catch (error) {
      say((error as Error).message);
      return [];
    }
  });
}
