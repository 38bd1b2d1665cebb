/**
 * How a process ends that has entered a daemon's sandbox: at once. Its runtime's event loop, which an ordinary end passes
 * through, was made before, and may need system calls that are refused by now.
 */
import type { Libc } from "../../ffi/libc.ts";
import { systemCall } from "../../ffi/system-calls.ts";

let sandboxed: Libc | undefined;

/** This process has entered a sandbox. */
export function mustLeaveAtOnce(libc: Libc): void {
  sandboxed = libc;
}

/** End this process, if it must end at once. @returns the code, to end with in the ordinary way */
export function leave(code: number): number {
  sandboxed?.systemCall(systemCall("exit_group")!, code);
  return code;
}
