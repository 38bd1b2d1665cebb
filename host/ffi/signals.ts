/** Signals that nobody shall handle: not this process, and not the programs that it becomes and starts. */
import { PROCESS } from "./constants.ts";
import type { Libc } from "./libc.ts";
import { systemCall } from "./system-calls.ts";

/** <asm/signal.h>: the kernel's struct sigaction: a handler, flags, a restorer, a mask of 8 bytes. */
const SIGACTION_BYTES = 32;
export const SIGNAL_MASK_BYTES = 8;

/** One that has come and was not handled yet is forgotten. */
export function ignoreSignal(libc: Libc, signal: number): number {
  const { bytes, view, at } = libc.scratch;
  bytes.fill(0, 0, SIGACTION_BYTES);
  view.setBigUint64(0, BigInt(PROCESS.SIG_IGN), true);
  return libc.systemCall(systemCall("rt_sigaction")!, signal, libc.pointer(at(0)), 0, SIGNAL_MASK_BYTES);
}
