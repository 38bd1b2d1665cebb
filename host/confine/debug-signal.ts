/**
 * SIGUSR1 opens a debugger in Node, at any time and for every user of the machine. In the daemon it is ignored from before
 * the runtime's first instruction: the signal is set to be ignored, and the filter that the runtime starts under answers
 * each wish to handle it with "done" (sandbox.ts), so that it stays ignored. Nobody needs the signal: Bun and Deno know
 * no use for it.
 */
import { PROCESS } from "../ffi/constants.ts";
import type { Libc } from "../ffi/libc.ts";
import { ignoreSignal, SIGNAL_MASK_BYTES } from "../ffi/signals.ts";
import { systemCall } from "../ffi/system-calls.ts";

/** Of this process and of the programs that it becomes and starts. */
export function ignoreDebugSignal(libc: Libc): number {
  return ignoreSignal(libc, PROCESS.SIGUSR1);
}

/** A pattern that no struct sigaction starts with. */
const UNTOUCHED = 0xa5a5a5a5;

/** Whether this process runs under the filter: asked for the signal's handler, it answers "done" and tells nothing. */
export function debugSignalIsShielded(libc: Libc): boolean {
  const { view, at } = libc.scratch;
  view.setUint32(0, UNTOUCHED, true);
  const result = libc.systemCall(
    systemCall("rt_sigaction")!,
    PROCESS.SIGUSR1,
    0,
    libc.pointer(at(0)),
    SIGNAL_MASK_BYTES,
  );
  return result === 0 && view.getUint32(0, true) === UNTOUCHED;
}
