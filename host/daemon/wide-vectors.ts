/**
 * 256-bit vectors. WebAssembly has none, but V8 can make them of pairs of 128-bit operations, by an option that it calls experimental.
 * The option is on only while our kernels are compiled, which are written for it and do little else; all other code is compiled as
 * always. They are compiled before they are needed, on the thread that asks, by a second option for the same time.
 *
 * Both options belong to the process. So this happens for those who ask for it, at the daemon's start, before there are other threads of
 * ours, and while the runtime may still make code.
 */
import type { Core } from "../core/core.ts";
import { ladderKernelBytes, useLadderKernel, warmUpLadders } from "../core/ladders.ts";
import { useWideKernel, warmUp, wideKernelBytes } from "../core/wide-kernel.ts";
import type { Machine } from "../os/machine.ts";
import { runtime, v8Version } from "../platform.ts";

/** Of Node 24 and 26: what was tried. In older ones the option slows our code down; of others nobody knows. */
const V8_VERSIONS = ["13.6", "14.6"];
/** Of Node 24: its 256-bit code for four ladders yields something else, and takes long to compile. */
const WRONG_LADDERS = "13.6";
const OPTIONS = ["experimental-wasm-revectorize", "wasm-sync-tier-up"];

interface Kernel {
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Call it so often that V8 finds all of it worth compiling. */
  warmUp(module: WebAssembly.Module): void;
}

/** Some 200 calls are enough. Compiled, one takes a third of a microsecond. */
const PACKETS: Kernel = { bytes: wideKernelBytes, warmUp: (module) => warmUp(module, 1000) };
/** Some 30 calls are enough for the smallest function, of a tenth of a millisecond each. */
const LADDERS: Kernel = { bytes: ladderKernelBytes, warmUp: (module) => warmUpLadders(module, 60) };

export interface Vectors {
  /** Width of those that packets are sealed and opened with. */
  readonly bits: 128 | 256;
  /** Width of those that handshakes are computed with. */
  readonly handshakeBits: 128 | 256;
  /** What made packets' 256, for the cores of further threads; these take no handshakes. */
  readonly kernel?: WebAssembly.Module;
}

const runs = (version: string): boolean => v8Version().startsWith(`${version}.`);

/** @returns why this process cannot have them; undefined where it can */
export function obstacle(machine: Pick<Machine, "hasAvx2">): string | undefined {
  if (runtime() !== "node") return "only Node has them";
  if (!V8_VERSIONS.some(runs)) return `V8 ${v8Version()} was not tried`;
  if (!machine.hasAvx2()) return "the processor has no AVX2";
  // Who sets options of the compiler has a reason, and they could not be put back as they were.
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(/\s+/)];
  if (words.some((word) => /^--[^=]*(?:wasm|liftoff)/.test(word)))
    return "Node was started with options for WebAssembly";
  return undefined;
}

/** @returns why it cannot have them for handshakes */
export function handshakeObstacle(machine: Pick<Machine, "hasAvx2">): string | undefined {
  return obstacle(machine) ?? (runs(WRONG_LADDERS) ? "V8 of Node 24 gets them wrong" : undefined);
}

/** Options of the process are others meanwhile. */
async function compile(kernels: readonly Kernel[]): Promise<WebAssembly.Module[]> {
  const texts = await Promise.all(kernels.map(({ bytes }) => bytes()));
  const { setFlagsFromString } = await import("node:v8");
  for (const option of OPTIONS) setFlagsFromString(`--${option}`);
  try {
    return kernels.map((kernel, i) => {
      const module = new WebAssembly.Module(texts[i]!);
      kernel.warmUp(module);
      return module;
    });
  } finally {
    for (const option of OPTIONS) setFlagsFromString(`--no-${option}`);
  }
}

export async function compileKernel(): Promise<WebAssembly.Module> {
  return (await compile([PACKETS]))[0]!;
}

export async function compileLadders(): Promise<WebAssembly.Module> {
  return (await compile([LADDERS]))[0]!;
}

/** Have `core` use 256-bit vectors, each kernel if it yields what the core did before; none where one does not compile. */
export async function widenVectors(
  core: Core,
  machine: Pick<Machine, "hasAvx2">,
  tell: (message: string) => void,
): Promise<Vectors> {
  const reason = obstacle(machine);
  if (reason !== undefined) {
    tell(`no 256-bit vectors: ${reason}`);
    return { bits: 128, handshakeBits: 128 };
  }
  let handshakeBits: Vectors["handshakeBits"] = 128;
  try {
    const narrow = handshakeObstacle(machine);
    const [kernel, ladders] = await compile(narrow === undefined ? [PACKETS, LADDERS] : [PACKETS]);
    if (narrow !== undefined) tell(`handshakes without 256-bit vectors: ${narrow}`);
    if (ladders !== undefined) handshakeBits = widenHandshakes(core, ladders, tell);
    if (useWideKernel(core, kernel!)) {
      tell("256-bit vectors are in use");
      return { bits: 256, handshakeBits, kernel: kernel! };
    }
    tell("no 256-bit vectors: their results are wrong on this machine");
  } catch (error) {
    tell(`no 256-bit vectors: ${error instanceof Error ? error.message : error}`);
  }
  return { bits: 128, handshakeBits };
}

function widenHandshakes(
  core: Core,
  kernel: WebAssembly.Module,
  tell: (message: string) => void,
): Vectors["handshakeBits"] {
  if (useLadderKernel(core, kernel)) return 256;
  tell("handshakes without 256-bit vectors: their results are wrong on this machine");
  return 128;
}
