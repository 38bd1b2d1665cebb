/**
 * `wasmguard proxy` in Node runs in a young generation of two megabytes, which V8 takes from its command line only: the program becomes itself
 * once more, under the same process number. What passes through a proxy lies in buffers outside of the heap, which are freed when their small
 * objects are collected; with V8's own sizes, 16 MB, hundreds of them wait for that.
 */
import { type ProgramStart, replaceProcess } from "../../ffi/execute.ts";
import { openLibc } from "../../ffi/libc.ts";
import { runtime } from "../../platform.ts";
import { passOnInherited } from "../launch/descriptors.ts";

/** Set for the program that was started with the flags. */
const PROXY_MARKER = "WASMGUARD_PROXY";
/** Megabytes. With one, a byte there and back is enough garbage to have it collected at every hundredth, a quarter of a millisecond each. */
const YOUNG = 2;
const FLAG = "--max-semi-space-size";
/** A proxy at rest collects its garbage itself (memory.ts); V8 would keep it until more is needed. */
const COLLECTABLE = "--expose-gc";
/** As V8 takes it. */
const CHOSEN = /^--max[-_]semi[-_]space[-_]size/;

/** @returns undefined where there is no such flag, or somebody has chosen */
function withSmallHeap(args: readonly string[]): ProgramStart | undefined {
  const { argv, env, execArgv, execPath } = process;
  const script = argv[1];
  if (runtime() !== "node" || script === undefined) return undefined;
  const words = [...execArgv, ...(env.NODE_OPTIONS ?? "").split(/\s+/)];
  if (words.some((word) => CHOSEN.test(word))) return undefined;
  // Whoever forked it speaks through a channel that this process has open already.
  if (process.connected) return undefined;
  const environment = { ...(env as Record<string, string>), [PROXY_MARKER]: "1" };
  const flags = [`${FLAG}=${YOUNG}`, COLLECTABLE, ...execArgv];
  return { program: execPath, argv: [execPath, ...flags, script, ...args], environment };
}

/** Returns only where it cannot be done. */
async function becomeSmall(args: readonly string[]): Promise<void> {
  const start = withSmallHeap(["proxy", ...args]);
  if (start === undefined) return;
  try {
    const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
    passOnInherited(libc);
    replaceProcess(libc, start);
  } catch {
    // No FFI here, or an environment that is too long: a proxy that takes more memory is one, too.
  }
}

/** @returns the exit code */
export async function startProxy(args: readonly string[]): Promise<number> {
  if (process.env[PROXY_MARKER] === undefined) await becomeSmall(args);
  delete process.env[PROXY_MARKER];
  return (await import("./command.ts")).proxy(args);
}
