/**
 * A process that reads keys: like the daemon, it leaves no core dump, and no other process of its user may look into it. What it
 * starts has no core dumps by default either, but may ask for them again.
 */
import { PROCESS } from "../../ffi/constants.ts";
import { RLIMIT } from "../../ffi/layout.ts";
import { openLibc } from "../../ffi/libc.ts";
import { systemCall } from "../../ffi/system-calls.ts";

/** Where this runtime cannot call the system, the daemon could not be started either, but another one might. */
export async function forbidDumps(): Promise<void> {
  let libc: Awaited<ReturnType<typeof openLibc>>;
  try {
    libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
  } catch {
    return;
  }
  libc.prctl(PROCESS.PR_SET_DUMPABLE, 0, 0, 0, 0);
  const { bytes, view, at } = libc.scratch;
  const limit = libc.pointer(at(0));
  bytes.fill(0, 0, RLIMIT.BYTES);
  if (libc.systemCall(systemCall("prlimit64")!, 0, PROCESS.RLIMIT_CORE, 0, limit) < 0) return;
  view.setBigUint64(RLIMIT.current, 0n, true);
  libc.systemCall(systemCall("prlimit64")!, 0, PROCESS.RLIMIT_CORE, limit, 0);
}
