/**
 * 256-bit vectors. WebAssembly has none, but V8 can make them of pairs of 128-bit operations, by an option that it calls experimental.
 * The option is on only while our kernel is compiled, which is written for it and does little else; all other code is compiled as
 * always. The kernel is compiled before it is needed, on the thread that asks, by a second option for the same time.
 *
 * Both options belong to the process. So this happens at the daemon's start, before there are other threads of ours, and while the
 * runtime may still make code.
 */
import type { Core } from "../core/core.ts";
import { useWideKernel, warmUp, wideKernelBytes } from "../core/wide-kernel.ts";
import type { Machine } from "../os/machine.ts";
import { runtime, v8Version } from "../platform.ts";

/** Of Node 24 and 26: what was tried. In older ones the option slows our code down; of others nobody knows. */
const V8_VERSIONS = ["13.6", "14.6"];
const OPTIONS = ["experimental-wasm-revectorize", "wasm-sync-tier-up"];
/** V8 finds the kernel worth compiling after some 200 calls. Compiled, one takes a third of a microsecond. */
const WARM_UP_CALLS = 1000;

export interface Vectors {
  /** Their width. */
  readonly bits: 128 | 256;
  /** What made it 256, for the cores of further threads. */
  readonly kernel?: WebAssembly.Module;
}

/** @returns why this process cannot have them; undefined where it can */
export function obstacle(machine: Pick<Machine, "hasAvx2">): string | undefined {
  if (runtime() !== "node") return "only Node has them";
  const version = v8Version();
  if (!V8_VERSIONS.some((known) => version.startsWith(`${known}.`))) return `V8 ${version} was not tried`;
  if (!machine.hasAvx2()) return "the processor has no AVX2";
  // Who sets options of the compiler has a reason, and they could not be put back as they were.
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(/\s+/)];
  if (words.some((word) => /^--[^=]*(?:wasm|liftoff)/.test(word)))
    return "Node was started with options for WebAssembly";
  return undefined;
}

/** Options of the process are others meanwhile. @param use  calls what is to be compiled, so often that it is */
export async function compileWide(
  bytes: Uint8Array<ArrayBuffer>,
  use: (module: WebAssembly.Module) => void,
): Promise<WebAssembly.Module> {
  const { setFlagsFromString } = await import("node:v8");
  for (const option of OPTIONS) setFlagsFromString(`--${option}`);
  try {
    const module = new WebAssembly.Module(bytes);
    use(module);
    return module;
  } finally {
    for (const option of OPTIONS) setFlagsFromString(`--no-${option}`);
  }
}

export async function compileKernel(): Promise<WebAssembly.Module> {
  return compileWide(await wideKernelBytes(), (module) => warmUp(module, WARM_UP_CALLS));
}

/** Have `core` use 256-bit vectors, if they can be had and it seals and opens with them as it did before. */
export async function widenVectors(
  core: Core,
  machine: Pick<Machine, "hasAvx2">,
  tell: (message: string) => void,
): Promise<Vectors> {
  const reason = obstacle(machine);
  if (reason !== undefined) {
    tell(`no 256-bit vectors: ${reason}`);
    return { bits: 128 };
  }
  try {
    const kernel = await compileKernel();
    if (useWideKernel(core, kernel)) {
      tell("256-bit vectors are in use");
      return { bits: 256, kernel };
    }
    tell("no 256-bit vectors: their results are wrong on this machine");
  } catch (error) {
    tell(`no 256-bit vectors: ${error instanceof Error ? error.message : error}`);
  }
  return { bits: 128 };
}
