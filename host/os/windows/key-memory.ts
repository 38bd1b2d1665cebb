/**
 * Keeps key material in RAM: VirtualLock of the region for secrets. Windows makes what is locked resident at once, so not all of a region that is
 * made for 65,536 peers is: the identity, the working memory, and the peers of the first slots, which are those that come first.
 */
import type { KeyMemory } from "../../confine/confinement-status.ts";
import type { Core } from "../../core/core.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";

const PAGE_BYTES = 4096;
const PEERS_BYTES = 1 << 20;
/** What a process may lock is its smallest working set, less what the process itself takes; and there is a largest one. */
const OWN_BYTES = 64 << 20;
const LARGEST_BYTES = 1 << 30;

export function lockKeyMemory(win: Win32, core: LockedCore): KeyMemory {
  const { secretsBegin, peerSecrets, uapiAreas, secretsEnd } = core.at;
  const peersEnd = Math.min(uapiAreas, peerSecrets + PEERS_BYTES);
  const wanted = peersEnd - secretsBegin + secretsEnd - uapiAreas;
  win.kernel.SetProcessWorkingSetSize(win.kernel.GetCurrentProcess(), OWN_BYTES + wanted, LARGEST_BYTES);
  const lock = (begin: number, end: number): number => {
    const bytes = Math.ceil((end - begin) / PAGE_BYTES) * PAGE_BYTES;
    return win.kernel.VirtualLock(begin, bytes) !== 0 ? end - begin : 0;
  };
  const identity = lock(secretsBegin, peerSecrets);
  const work = lock(uapiAreas, secretsEnd);
  const peers = lock(peerSecrets, peersEnd);
  return {
    secretBytes: secretsEnd - secretsBegin,
    lockedBytes: identity + work + peers,
    lockedPeers: peers === 0 ? 0 : core.peersBelow(peersEnd),
    identity: identity === 0 ? "unlocked" : "locked",
  };
}

/** What matters here of a core: its regions, and how many peers have all their secrets below an address. */
export interface LockedCore {
  readonly at: Pick<Core["at"], "secretsBegin" | "peerSecrets" | "uapiAreas" | "secretsEnd">;
  peersBelow(address: number): number;
}
