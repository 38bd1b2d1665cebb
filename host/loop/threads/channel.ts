/**
 * What a worker tells thread 0: which peers have events, and letters: packets and handshake messages that only thread 0
 * can deal with. Events lie in the peers' own records; a peer is named here once until thread 0 has looked. Thread 0 is
 * woken at once for what cannot wait, and otherwise at most every `REST_MS`, so that traffic alone hardly wakes it.
 */
import { makeRing, RingReader, RingWriter } from "./ring.ts";

/** Kinds of letters. */
export const LETTER = {
  packet: 1, // vnet header and packet, as read from TUN
  handshake: 2, // as records/queued.ts has it
  sourceRefused: 3, // u32: peer slot
  mergeRefused: 4, // u32: errno of a refused superpacket
  log: 5, // UTF-8 text
  failure: 6, // UTF-8 text: the worker ends
} as const;

export const REST_MS = 100;
const LETTER_BYTES = 262_144;
const PEER_NAMES = 4_096;
const NAME_KIND = 0;
const RECORD_BYTES = 16;

export interface ChannelMemory {
  readonly peers: SharedArrayBuffer;
  readonly letters: SharedArrayBuffer;
}

export function makeChannel(): ChannelMemory {
  return { peers: makeRing(PEER_NAMES * RECORD_BYTES), letters: makeRing(LETTER_BYTES) };
}

/** The worker's end. */
export class ChannelWriter {
  readonly #peers: RingWriter;
  readonly #letters: RingWriter;
  readonly #wake: () => void;
  readonly #name = new Uint32Array(1);
  readonly #nameBytes = new Uint8Array(this.#name.buffer);
  /** Peers that had no room; each is named once at the most. */
  #waiting: number[] = [];
  #restUntil = 0;
  #urgent = false;

  constructor(memory: ChannelMemory, wake: () => void) {
    this.#peers = new RingWriter(memory.peers);
    this.#letters = new RingWriter(memory.letters);
    this.#wake = wake;
  }

  /** This peer's events were none and are some. */
  name(slot: number, pace: "soon" | "now"): void {
    if (this.#waiting.length > 0 || !this.#pushName(slot)) this.#waiting.push(slot);
    if (pace === "now") this.#urgent = true;
  }

  #pushName(slot: number): boolean {
    this.#name[0] = slot;
    return this.#peers.push(NAME_KIND, this.#nameBytes);
  }

  /** @returns false when there is no room: the letter is lost */
  send(kind: number, bytes: Uint8Array): boolean {
    this.#urgent = true;
    return this.#letters.push(kind, bytes);
  }

  sendNumber(kind: number, value: number): void {
    this.send(kind, new Uint8Array(Uint32Array.of(value).buffer));
  }

  /** Peers wait to be named, for thread 0 has not made room yet: flush again soon, though nothing else happens. */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  /** The end of a batch: wake thread 0 if it must know. */
  flush(now: number): void {
    if (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const slot of waiting) this.name(slot, "now");
    }
    if (!this.#urgent && (now < this.#restUntil || this.#peers.isEmpty)) return;
    this.#urgent = false;
    this.#restUntil = now + REST_MS;
    this.#wake();
  }
}

/** Thread 0's end. */
export class ChannelReader {
  readonly #peers: RingReader;
  readonly #letters: RingReader;
  readonly #name = new Uint32Array(1);
  readonly #nameBytes = new Uint8Array(this.#name.buffer);

  constructor(memory: ChannelMemory) {
    this.#peers = new RingReader(memory.peers);
    this.#letters = new RingReader(memory.letters);
  }

  get isEmpty(): boolean {
    return this.#peers.isEmpty && this.#letters.isEmpty;
  }

  /** @returns slot of a peer that has events */
  nextPeer(): number | undefined {
    return this.#peers.take(this.#nameBytes) && this.#name[0]!;
  }

  /** Take the oldest letter into `into`, which has room for a whole read. */
  nextLetter(into: Uint8Array): { kind: number; length: number } | undefined {
    return this.#letters.take(into);
  }
}
