/**
 * Trains of datagrams, and packets, that the lane made while it worked, in order. They are handed out when it rests, for whoever takes
 * them may be anybody's code, and call back at once. Packets are given away; trains are lent where the Bind takes whole ones, and
 * their arrays used again, so that a stream of data leaves no garbage.
 */
import { MESSAGE_BYTES_MAX, TX_TRAINS } from "../core/codes.ts";
import type { Endpoint } from "../core/core.ts";

/** Arrays that are used again: what one batch of the core fills. More trains, of a turn that is long, get arrays as long as they are. */
const ARRAYS_MAX = 2 * TX_TRAINS;

interface Entry {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of each datagram but the last. */
  readonly segment: number;
  /** Undefined: a packet for the host. */
  readonly to: Endpoint | undefined;
  /** To be used again. */
  readonly lent: Uint8Array<ArrayBuffer> | undefined;
}

export interface Takers {
  train(bytes: Uint8Array, segment: number, to: Endpoint): void;
  packet(bytes: Uint8Array<ArrayBuffer>): void;
}

export class Outgoing {
  readonly #takers: Takers;
  readonly #trains: "lent" | "given";
  /** One batch adds no more than the core's lists hold and the staged queues held. */
  #entries: Entry[] = [];
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  /** Made so far, spare or lent. */
  #arrays = 0;
  #handingOut = false;

  /** @param trains whether their bytes are read when `Takers.train` returns */
  constructor(trains: "lent" | "given", takers: Takers) {
    this.#trains = trains;
    this.#takers = takers;
  }

  /** @param bytes given */
  addPacket(bytes: Uint8Array<ArrayBuffer>): void {
    this.#entries.push({ bytes, segment: 0, to: undefined, lent: undefined });
  }

  /** A copy of what lies in `memory` from `at` on. */
  addTrain(memory: Uint8Array, at: number, length: number, segment: number, to: Endpoint): void {
    const train = memory.subarray(at, at + length);
    const lent = this.#trains === "given" || length <= segment ? undefined : this.#array();
    if (lent === undefined) {
      this.#entries.push({ bytes: new Uint8Array(train), segment, to, lent: undefined });
      return;
    }
    lent.set(train);
    this.#entries.push({ bytes: lent.subarray(0, length), segment, to, lent });
  }

  /** To be lent; undefined while all are. */
  #array(): Uint8Array<ArrayBuffer> | undefined {
    const spare = this.#spare.pop();
    if (spare !== undefined || this.#arrays === ARRAYS_MAX) return spare;
    this.#arrays += 1;
    return new Uint8Array(MESSAGE_BYTES_MAX);
  }

  clear(): void {
    this.#entries = [];
  }

  /** The outermost call hands out everything, in order, also what comes to it meanwhile. */
  handOut(): void {
    if (this.#handingOut || this.#entries.length === 0) return;
    this.#handingOut = true;
    for (let i = 0; i < this.#entries.length; i++) {
      const { bytes, segment, to, lent } = this.#entries[i]!;
      if (to === undefined) this.#takers.packet(bytes);
      else this.#takers.train(bytes, segment, to);
      if (lent !== undefined) this.#spare.push(lent);
    }
    this.#entries = [];
    this.#handingOut = false;
  }
}
