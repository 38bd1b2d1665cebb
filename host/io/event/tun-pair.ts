/**
 * Two ends of a link in memory: what is written to one comes out of the other. One is the Tun of a device, the other is
 * for a program that makes and takes IP packets itself: a userspace TCP/IP stack, a test, a demo.
 */
import type { Tun, TunEvents } from "./tun.ts";

/** As the transmit queue of a network interface. */
const QUEUE_PACKETS = 500;

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
  readonly #limit: number;
  #far: TunEnd | undefined;
  #queue: Uint8Array[] = [];
  #events: TunEvents | undefined;
  #drainDue = false;
  #paused = false;
  #closed = false;
  #wake: (() => void) | undefined;

  /** Use tunPair. */
  constructor({ mtu = 1420, queuePackets = QUEUE_PACKETS }: TunPairOptions) {
    this.mtu = mtu;
    this.#limit = queuePackets;
  }

  /** Make two ends one link. */
  static join(near: TunEnd, far: TunEnd): void {
    near.#far = far;
    far.#far = near;
  }

  open(events: TunEvents): void {
    this.#events = events;
    this.#drainSoon();
  }

  write(packet: Uint8Array): boolean {
    const far = this.#far;
    if (this.#closed || far === undefined || far.#closed || far.#queue.length >= far.#limit) return false;
    far.#queue.push(packet);
    far.#drainSoon();
    return true;
  }

  /** Packets are handed on by a microtask, so that no writer finds itself called before `write` returns. */
  #drainSoon(): void {
    if (this.#drainDue) return;
    this.#drainDue = true;
    queueMicrotask(() => {
      this.#drainDue = false;
      const events = this.#events;
      if (events === undefined) return this.#wake?.();
      for (let left = this.#queue.length; left > 0 && !this.#paused && this.#events === events; left--) {
        events.receive(this.#queue.shift()!);
      }
    });
  }

  /** Packets wait in the queue; once it is full the other end is told so by `write`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drainSoon();
  }

  /** Packets as they come; ends when either end is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const packet = this.#queue.shift();
      if (packet !== undefined) yield packet;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Both ends are closed: packets under way are lost. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = undefined;
    this.#queue = [];
    this.#wake?.();
    this.#far?.close();
  }
}

/** @returns two ends of one link */
export function tunPair(options: TunPairOptions = {}): [TunEnd, TunEnd] {
  const ends: [TunEnd, TunEnd] = [new TunEnd(options), new TunEnd(options)];
  TunEnd.join(...ends);
  return ends;
}
