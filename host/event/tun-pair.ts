/**
 * Two ends of a link in memory: what is written to one comes out of the other. One is the Tun of a device, the other is
 * for a program that makes and takes IP packets itself: a userspace TCP/IP stack, a test, a demo.
 */

import { requireBytes } from "./bytes.ts";
import { TunError } from "./device-errors.ts";
import { checkMtu, MTU_DEFAULT } from "./mtu.ts";
import { checkInteger, readOptions } from "./options.ts";
import { Slab } from "./slab.ts";
import { soon } from "./soon.ts";
import type { Tun, TunEvents } from "./tun.ts";

/** As the transmit queue of a network interface. */
const QUEUE_PACKETS = 500;
const QUEUE_PACKETS_MAX = 1 << 20;

type Packet = Uint8Array<ArrayBuffer>;

export interface TunPairOptions {
  /** Bytes; default 1420. */
  readonly mtu?: number | undefined;
  /** Packets that may wait in one direction; more are dropped. Default 500. */
  readonly queuePackets?: number | undefined;
}

/**
 * One end of the link. Packets that come to it go to the handler given to `open`, or to whoever iterates over it
 * (`for await`); until there is either they wait.
 */
export class TunEnd implements Tun, AsyncIterable<Uint8Array> {
  readonly mtu: number;
  readonly sharesBuffers = true;
  /** Of packets that were written to this end. */
  readonly #slab = new Slab();
  readonly #limit: number;
  #far: TunEnd | undefined;
  #queue: Packet[] = [];
  #events: TunEvents | undefined;
  /** Packets that did not have to wait, in this turn: they count as if they did, so that no writer goes on for ever. */
  #passed = 0;
  /** Packets that have come since a writer last let the event loop have its turn. */
  #sinceTurn = 0;
  #drainDue = false;
  #paused = false;
  /** "ended": the other end writes no more, but what waits is still to be had. */
  #state: "open" | "ended" | "closed" = "open";
  #drops = 0n;
  /** Reads that wait, each for one packet; oldest first. */
  #readers: Reader[] = [];
  /** Writers of the other end that wait for room. */
  #writers: (() => void)[] = [];

  /** Use tunPair. */
  constructor({ mtu = MTU_DEFAULT, queuePackets = QUEUE_PACKETS }: TunPairOptions) {
    this.mtu = mtu;
    this.#limit = queuePackets;
  }

  /** Make two ends one link. */
  static join(near: TunEnd, far: TunEnd): void {
    near.#far = far;
    far.#far = near;
  }

  /** @throws TunError once it was closed */
  open(events: TunEvents): void {
    if (this.#state === "closed") throw new TunError("this end of the link was closed");
    this.#events = events;
    for (const reader of this.#readers.splice(0)) reader(undefined);
    this.#drainSoon();
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * @param packet copied: the array may be used again at once
   * @returns      false when it was dropped, because too many wait (see `drained`) or an end is closed
   * @throws       OptionError for what is no Uint8Array
   */
  write(packet: Uint8Array): boolean {
    const far = this.#far;
    if (far === undefined) {
      requireBytes("packet", packet);
      return false;
    }
    if (far.#passes(packet)) return true;
    const length = requireBytes("packet", packet);
    if (!far.#hasRoomForOne()) return false;
    far.#drainSoon();
    const copy = this.#slab.take(length);
    copy.set(packet);
    far.#queue.push(copy);
    return true;
  }

  /** Hand it on without a copy, if that calls nobody and it overtakes none. Who takes it looks at it. */
  #passes(packet: Uint8Array): boolean {
    const events = this.#events;
    if (events?.callsNobody !== true || this.#queue.length > 0 || this.#waiting >= this.#limit) return false;
    if (this.#state !== "open" || !this.#takes(events)) return false;
    events.receive(packet);
    this.#passed += 1;
    this.#sinceTurn += 1;
    this.#drainSoon();
    return true;
  }

  /** As `write`, of an array that nobody uses any more. @throws OptionError */
  give(packet: Packet): boolean {
    requireBytes("packet", packet);
    const far = this.#far;
    if (far === undefined || !far.#hasRoomForOne()) return false;
    far.#queue.push(packet);
    far.#drainSoon();
    return true;
  }

  /** Whether there is room for one more packet; without, it is counted as dropped. */
  #hasRoomForOne(): boolean {
    if (this.#state !== "open") return false;
    if (this.#waiting < this.#limit) {
      this.#sinceTurn += 1;
      return true;
    }
    this.#drops += 1n;
    return false;
  }

  /** Packets that came to this end and found no room. */
  get drops(): bigint {
    return this.#drops;
  }

  /**
   * Settles when there is room for many packets again, at once if there is; also when the link is closed. Once many have come the event loop
   * has its turn first: a writer who does nothing but write and wait keeps no datagram and no timer from being served.
   */
  drained(): Promise<void> {
    const far = this.#far;
    if (far === undefined || (far.#hasRoom() && far.#sinceTurn <= far.#limit >> 1)) return Promise.resolve();
    far.#sinceTurn = 0;
    return new Promise((resolve) => soon(() => (far.#hasRoom() ? resolve() : far.#writers.push(resolve))));
  }

  /** No more is written to this end. The other end gets what waits, and its iteration ends then. */
  end(): void {
    const far = this.#far;
    if (far === undefined || far.#state !== "open") return;
    far.#state = "ended";
    far.#drainSoon();
  }

  get #waiting(): number {
    return this.#queue.length + this.#passed;
  }

  #hasRoom(): boolean {
    return this.#state !== "open" || this.#waiting <= this.#limit >> 1;
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────

  #take(): Packet | undefined {
    const packet = this.#queue.shift();
    this.#makeRoom();
    return packet;
  }

  #makeRoom(): void {
    if (this.#writers.length > 0 && this.#hasRoom()) this.#release();
  }

  #release(): void {
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer();
  }

  /** Packets are handed on by a microtask, so that no writer finds itself called before `write` returns. */
  #drainSoon(): void {
    if (this.#drainDue) return;
    this.#drainDue = true;
    queueMicrotask(() => {
      this.#drainDue = false;
      this.#passed = 0;
      this.#makeRoom();
      const events = this.#events;
      if (events === undefined) return this.#serveReaders();
      for (let left = this.#queue.length; left > 0 && this.#events === events && this.#takes(events); left--) {
        events.receive(this.#take()!);
      }
      if (this.#state === "ended") this.#release();
    });
  }

  #serveReaders(): void {
    while (this.#readers.length > 0 && (this.#queue.length > 0 || this.#state !== "open")) {
      const packet = this.#take();
      this.#readers.shift()!(packet);
    }
    if (this.#state !== "open") this.#release();
  }

  #takes(events: TunEvents): boolean {
    return !this.#paused && events.hasRoom?.() !== false;
  }

  /** Packets wait in the queue; once it is full the other end is told so by `write`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drainSoon();
  }

  /** Packets as they come; ends when the other end has ended, or either is closed, or a device takes this end. Any number of reads may wait at once. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Packet> {
    const waiting = new Set<Reader>();
    let over = false;
    const done = { value: undefined, done: true } as const;
    const iterator: AsyncIterableIterator<Packet> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        if (over || this.#events !== undefined) return Promise.resolve(done);
        if (this.#readers.length === 0 && this.#queue.length > 0) {
          return Promise.resolve({ value: this.#take()!, done: false });
        }
        if (this.#state !== "open") return Promise.resolve(done);
        return new Promise((resolve) => {
          const reader: Reader = (packet) => {
            waiting.delete(reader);
            resolve(packet === undefined ? done : { value: packet, done: false });
          };
          waiting.add(reader);
          this.#readers.push(reader);
        });
      },
      return: () => {
        over = true;
        this.#readers = this.#readers.filter((reader) => !waiting.has(reader));
        for (const reader of waiting) reader(undefined);
        return Promise.resolve(done);
      },
    };
    return iterator;
  }

  /** Both ends are closed: packets under way are lost. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#events = undefined;
    this.#queue = [];
    this.#serveReaders();
    this.#far?.close();
  }
}

/** Takes a packet, or undefined at the end. */
type Reader = (packet: Packet | undefined) => void;

/** @returns two ends of one link @throws OptionError */
export function tunPair(options: TunPairOptions = {}): [TunEnd, TunEnd] {
  const given = readOptions("options", options, ["mtu", "queuePackets"]);
  const mtu = checkMtu(given.mtu);
  const { queuePackets } = given;
  if (queuePackets !== undefined) checkInteger("queuePackets", queuePackets, 1, QUEUE_PACKETS_MAX);
  const ends: [TunEnd, TunEnd] = [new TunEnd({ mtu, queuePackets }), new TunEnd({ mtu, queuePackets })];
  TunEnd.join(...ends);
  return ends;
}
