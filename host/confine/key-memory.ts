/**
 * Keeps key material in RAM: the region for secrets never goes to swap, into a core dump or into a child process, and
 * the process is not dumpable. Call before the first key arrives, while the process may still lock memory.
 *
 * A process that may lock only a part (a container without CAP_IPC_LOCK) locks what lives longest: the identity, the
 * working memory if that leaves half of the limit, then the peers, slot by slot. Locked address space is what the limit
 * counts; pages become resident, and stay so, as peers come and touch them (MLOCK_ONFAULT).
 */
import type { Core } from "../core/core.ts";
import { PROCESS } from "../ffi/constants.ts";
import { RLIMIT } from "../ffi/layout.ts";
import type { Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";
import type { KeyMemory } from "./confinement-status.ts";

const PAGE_BYTES = 4096;

/** The regions that matter here: page-aligned, and in this order (assembly/memory/layout.ts). */
export type SecretRegions = Pick<Core["at"], "secretsBegin" | "peerSecrets" | "uapiAreas" | "secretsEnd">;

/** @param peersBelow  how many peers have all their secrets below an address */
export function protectKeyMemory(
  libc: Libc,
  { secretsBegin, peerSecrets, uapiAreas, secretsEnd }: SecretRegions,
  peersBelow: (address: number) => number,
): KeyMemory {
  const secretBytes = secretsEnd - secretsBegin;
  libc.madvise(secretsBegin, secretBytes, PROCESS.MADV_DONTDUMP);
  libc.madvise(secretsBegin, secretBytes, PROCESS.MADV_DONTFORK);
  forbidCoreDumps(libc);
  const limit = raiseLockLimit(libc, secretBytes);
  if (lock(libc, secretsBegin, secretBytes)) {
    return { secretBytes, lockedBytes: secretBytes, lockedPeers: peersBelow(uapiAreas), identity: "locked" };
  }
  const identity = lock(libc, secretsBegin, peerSecrets - secretsBegin);
  const identityBytes = identity ? peerSecrets - secretsBegin : 0;
  const work = secretsEnd - uapiAreas;
  const workBytes = work <= limit / 2 && lock(libc, uapiAreas, work) ? work : 0;
  const peersEnd = lockUpTo(libc, peerSecrets, uapiAreas);
  return {
    secretBytes,
    lockedBytes: identityBytes + workBytes + peersEnd - peerSecrets,
    lockedPeers: peersBelow(peersEnd),
    identity: identity ? "locked" : "unlocked",
  };
}

/** Lock pages as they are first touched: most of the region never is. */
function lock(libc: Libc, begin: number, length: number): boolean {
  const number = systemCall("mlock2")!;
  return libc.systemCall(number, libc.pointer(begin), length, PROCESS.MLOCK_ONFAULT) >= 0;
}

/** Lock as many pages as the limit allows. @returns the end of what is locked */
function lockUpTo(libc: Libc, begin: number, end: number): number {
  let at = begin;
  for (let pages = 2 ** 31 / PAGE_BYTES; pages >= 1; pages /= 2) {
    const bytes = pages * PAGE_BYTES;
    if (at + bytes <= end && lock(libc, at, bytes)) at += bytes;
  }
  return at;
}

function forbidCoreDumps(libc: Libc): void {
  setLimit(libc, PROCESS.RLIMIT_CORE, 0, 0);
  libc.prctl(PROCESS.PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/**
 * Whoever has CAP_IPC_LOCK needs no limit, whoever has CAP_SYS_RESOURCE may raise it, others may go up to the hard one.
 * @returns the limit in force, bytes
 */
function raiseLockLimit(libc: Libc, bytes: number): number {
  const { view, at } = libc.scratch;
  if (setLimit(libc, PROCESS.RLIMIT_MEMLOCK, bytes, bytes)) return bytes;
  libc.systemCall(systemCall("prlimit64")!, 0, PROCESS.RLIMIT_MEMLOCK, 0, libc.pointer(at(0)));
  const hard = Number(view.getBigUint64(RLIMIT.maximum, true));
  setLimit(libc, PROCESS.RLIMIT_MEMLOCK, hard, hard);
  return hard;
}

function setLimit(libc: Libc, resource: number, current: number, maximum: number): boolean {
  const { view, at } = libc.scratch;
  view.setBigUint64(RLIMIT.current, BigInt(current), true);
  view.setBigUint64(RLIMIT.maximum, BigInt(maximum), true);
  return libc.systemCall(systemCall("prlimit64")!, 0, resource, libc.pointer(at(0)), 0) >= 0;
}
