/**
 * Packets that wait for a session (WireGuard paper §6.4): a queue for each peer, the oldest dropped when it is full, and one
 * budget of bytes for all peers of the device. A packet is kept with its vnet header, a superpacket counts as one.
 */
import { STAGED_BYTES, STAGED_PACKETS, STAGED_SHARES } from "./constants.ts";

const ignore = (): void => {};

/** Bytes that all staged packets of one device may take. */
export class StagedBudget {
  used = 0;
  readonly limit: number;

  constructor(limit = STAGED_BYTES) {
    this.limit = limit;
  }
}

export class StagedQueue {
  readonly #budget: StagedBudget;
  readonly #packets: Uint8Array[] = [];
  #bytes = 0;

  constructor(budget: StagedBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#packets.length;
  }

  /** Keep a copy. @returns how many packets were dropped for it, itself included */
  push(packet: Uint8Array): number {
    let dropped = 0;
    while (!this.#hasRoom(packet.length)) {
      dropped += 1;
      if (this.#packets.length === 0) return dropped;
      this.take(ignore);
    }
    this.#packets.push(Uint8Array.from(packet));
    this.#budget.used += packet.length;
    this.#bytes += packet.length;
    return dropped;
  }

  /** No peer may take more than its share of the budget, so that some dead ones leave room for the others. */
  #hasRoom(length: number): boolean {
    const { used, limit } = this.#budget;
    const share = Math.max(limit / STAGED_SHARES, length);
    return this.#packets.length < STAGED_PACKETS && this.#bytes + length <= share && used + length <= limit;
  }

  /** Take the oldest out, and wipe it once it was used: it is plaintext. @returns whether there was one */
  take(use: (packet: Uint8Array) => void): boolean {
    const packet = this.#packets.shift();
    if (packet === undefined) return false;
    this.#budget.used -= packet.length;
    this.#bytes -= packet.length;
    try {
      use(packet);
    } finally {
      packet.fill(0);
    }
    return true;
  }

  /** Wipe all. @returns how many packets are gone */
  clear(): number {
    const count = this.#packets.length;
    while (this.take(ignore));
    return count;
  }
}
