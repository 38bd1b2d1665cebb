/** Says in the log when keys lie in memory that could not be locked: for the identity at once, for peers when the first one comes. */
import type { KeyMemory } from "./confinement-status.ts";

const REMEDY = "grant CAP_IPC_LOCK, raise the limit of locked memory (RLIMIT_MEMLOCK), or turn swap off";

export class UnlockedKeys {
  readonly #memory: KeyMemory;
  readonly #log: (level: "error", message: string) => void;
  #told = false;

  constructor(memory: KeyMemory, log: (level: "error", message: string) => void) {
    this.#memory = memory;
    this.#log = log;
    if (memory.identity === "unlocked") log("error", `the private key may be written to swap: ${REMEDY}`);
  }

  /** A peer came, whose keys go to this slot. */
  peerCreated(slot: number): void {
    const { lockedPeers } = this.#memory;
    if (slot < lockedPeers || this.#told) return;
    this.#told = true;
    const whose = lockedPeers === 0 ? "the keys of peers" : `the keys of more than ${lockedPeers} peers`;
    this.#log("error", `${whose} may be written to swap: ${REMEDY}`);
  }
}
