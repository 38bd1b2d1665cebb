/**
 * Keeps key material in RAM: the region for secrets never goes to swap, into a core dump or into a child process, and
 * the process is not dumpable. Call before the first key arrives, while the process may still lock memory.
 */
import { PROCESS } from "../ffi/constants.ts";
import { RLIMIT } from "../ffi/layout.ts";
import type { Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";
import type { KeyMemory } from "./status.ts";

/** Less than this is not worth a further try. */
const LOCKED_BYTES_MIN = 65_536;

/** @param begin, end  page-aligned offsets */
export function protectKeyMemory(libc: Libc, begin: number, end: number): KeyMemory {
  const secretBytes = end - begin;
  libc.madvise(begin, secretBytes, PROCESS.MADV_DONTDUMP);
  libc.madvise(begin, secretBytes, PROCESS.MADV_DONTFORK);
  forbidCoreDumps(libc);
  raiseLockLimit(libc, secretBytes);
  // The region starts with what every device uses; the further peers' records are at its end.
  for (let length = secretBytes; length >= LOCKED_BYTES_MIN; length = pages(length / 2)) {
    if (lock(libc, begin, length)) return { lockedBytes: length, secretBytes };
  }
  return { lockedBytes: 0, secretBytes };
}

/** Lock pages as they are first touched: most of the region never is. */
function lock(libc: Libc, begin: number, length: number): boolean {
  const number = systemCall("mlock2")!;
  return libc.systemCall(number, libc.pointer(begin), length, PROCESS.MLOCK_ONFAULT) >= 0;
}

function pages(bytes: number): number {
  return Math.floor(bytes / 4096) * 4096;
}

function forbidCoreDumps(libc: Libc): void {
  setLimit(libc, PROCESS.RLIMIT_CORE, 0, 0);
  libc.prctl(PROCESS.PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/** Whoever has CAP_IPC_LOCK needs no limit, whoever has CAP_SYS_RESOURCE may raise it, others may go up to the hard one. */
function raiseLockLimit(libc: Libc, bytes: number): void {
  const { view, at } = libc.scratch;
  if (setLimit(libc, PROCESS.RLIMIT_MEMLOCK, bytes, bytes)) return;
  libc.systemCall(systemCall("prlimit64")!, 0, PROCESS.RLIMIT_MEMLOCK, 0, libc.pointer(at(0)));
  const hard = Number(view.getBigUint64(RLIMIT.maximum, true));
  setLimit(libc, PROCESS.RLIMIT_MEMLOCK, hard, hard);
}

function setLimit(libc: Libc, resource: number, current: number, maximum: number): boolean {
  const { view, at } = libc.scratch;
  view.setBigUint64(RLIMIT.current, BigInt(current), true);
  view.setBigUint64(RLIMIT.maximum, BigInt(maximum), true);
  return libc.systemCall(systemCall("prlimit64")!, 0, resource, libc.pointer(at(0)), 0) >= 0;
}
