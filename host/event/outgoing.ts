/**
 * Datagrams and packets that the lane made while it worked, in order. They are handed out when it rests, for whoever takes
 * them may be anybody's code, and call back at once.
 */
import type { Endpoint } from "../core/core.ts";

interface Entry {
  readonly bytes: Uint8Array;
  /** Undefined: a packet for the host. */
  readonly to: Endpoint | undefined;
}

export interface Takers {
  datagram(bytes: Uint8Array, to: Endpoint): void;
  packet(bytes: Uint8Array): void;
}

export class Outgoing {
  readonly #takers: Takers;
  /** One batch adds no more than the core's lists hold and the staged queues held. */
  #entries: Entry[] = [];
  #handingOut = false;

  constructor(takers: Takers) {
    this.#takers = takers;
  }

  /** @param to undefined for a packet of the host */
  add(bytes: Uint8Array, to?: Endpoint): void {
    this.#entries.push({ bytes, to });
  }

  clear(): void {
    this.#entries = [];
  }

  /** The outermost call hands out everything, in order, also what comes to it meanwhile. */
  handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    for (let i = 0; i < this.#entries.length; i++) {
      const { bytes, to } = this.#entries[i]!;
      if (to === undefined) this.#takers.packet(bytes);
      else this.#takers.datagram(bytes, to);
    }
    this.#entries = [];
    this.#handingOut = false;
  }
}
