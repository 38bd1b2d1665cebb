/**
 * Keeps key material in RAM: out of swap, core dumps and child processes. macOS makes pages resident when it locks them, so that not all of the
 * region, which is sparse, can be: the identity and the working memory are, and of the peers as many as a moderate amount has room for.
 */
import type { KeyMemory } from "../../confine/confinement-status.ts";
import type { SecretRegions } from "../../confine/key-memory.ts";
import { SYSTEM } from "../../ffi/darwin/constants.ts";
import { RLIMIT } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";

/** Keys of peers that are locked. */
const PEER_BYTES_MAX = 1 << 20;
/** Apple's arm64; x86_64 has a quarter. */
const PAGE_BYTES = 16_384;

/** @param peersBelow  how many peers have all their secrets below an address */
export function protectKeyMemory(
  libc: DarwinLibc,
  { secretsBegin, peerSecrets, uapiAreas, secretsEnd }: SecretRegions,
  peersBelow: (address: number) => number,
): KeyMemory {
  libc.minherit(secretsBegin, secretsEnd - secretsBegin, SYSTEM.VM_INHERIT_NONE);
  forbidCoreDumps(libc);
  let lockedBytes = 0;
  const lock = (begin: number, end: number): boolean => {
    if (libc.mlock(begin, end - begin) < 0) return false;
    lockedBytes += end - begin;
    return true;
  };
  const identity = lock(secretsBegin, peerSecrets) ? "locked" : "unlocked";
  lock(uapiAreas, secretsEnd);
  const wanted = Math.min(uapiAreas, peerSecrets + PEER_BYTES_MAX);
  const peersEnd = wanted - (wanted % PAGE_BYTES);
  const peers = peersEnd > peerSecrets && lock(peerSecrets, peersEnd);
  return {
    secretBytes: secretsEnd - secretsBegin,
    lockedBytes,
    lockedPeers: peers ? peersBelow(peersEnd) : 0,
    identity,
  };
}

function forbidCoreDumps(libc: DarwinLibc): void {
  const { bytes, at } = libc.scratch;
  bytes.fill(0, 0, RLIMIT.BYTES);
  libc.setrlimit(SYSTEM.RLIMIT_CORE, at(0));
}
