/**
 * The network stack as the inside of a device: no interface of the system, no root. Superpackets pass both ways: what the stack sends is
 * written where the core reads it, and what was received and merged is kept where it lies. A bind that has no room makes the stack wait,
 * and requests for connections wait while a handshake is under way.
 */

import { TunError } from "../event/device-errors.ts";
import { soon } from "../event/soon.ts";
import type { SuperpacketPlace, Tun, TunEvents } from "../event/tun.ts";
import type { IpAddress } from "../net/address.ts";
import type { PacketSink } from "../net/sink.ts";
import { NetStack } from "../net/stack.ts";
import { NEVER } from "../time/instant.ts";
import { keepAlive } from "../time/keep-alive.ts";

/** Longest delay that the timers of every runtime take. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Sent at once before others get their turn. */
const TURN_BYTES = 1 << 20;
const NOWHERE = new Uint8Array(0);

export interface StackTunOptions {
  /** The addresses inside of the tunnel. */
  readonly addresses: readonly IpAddress[];
  /** Bytes; default 1420. */
  readonly mtu?: number | undefined;
  /** What all connections and sockets may hold together; default 256 MiB. */
  readonly budgetBytes?: number | undefined;
  /** A handler of the stack's user threw. Without it, that is thrown on, outside of any call. */
  failed?(cause: unknown): void;
}

export class StackTun implements Tun, PacketSink {
  readonly superpackets = true;
  readonly mtu: number;
  readonly stack: NetStack;
  readonly #failed: ((cause: unknown) => void) | undefined;
  #place: SuperpacketPlace | undefined;
  #hasRoom: () => boolean = () => true;
  bytes: Uint8Array = NOWHERE;
  view: DataView = new DataView(NOWHERE.buffer);
  #paused = false;
  #refused = false;
  #unready = false;
  #sentBytes = 0;
  #tellDue = false;
  #turnDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = NEVER;
  #refs: "ref" | "unref" = "ref";
  #closed = false;

  constructor({ addresses, mtu = 1420, budgetBytes, failed }: StackTunOptions) {
    this.mtu = mtu;
    this.#failed = failed;
    this.stack = new NetStack({
      sink: this,
      addresses,
      mtu,
      budgetBytes,
      random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
      wake: () => this.#turnSoon(),
      now: performance.now(),
    });
  }

  // ── the device's side ──────────────────────────────────────────────────────────────────────────────────────

  open(events: TunEvents): void {
    const place = events.place?.();
    if (place === undefined) throw new TunError("this driver takes no superpackets");
    this.#place = place;
    this.#hasRoom = () => events.hasRoom?.() !== false;
    this.bytes = place.bytes;
    this.view = new DataView(place.bytes.buffer, place.bytes.byteOffset, place.bytes.byteLength);
    this.#go();
  }

  write(packet: Uint8Array): boolean {
    if (this.#closed) return false;
    this.stack.receive(packet, 0, packet.length, performance.now(), "given");
    this.#tellSoon();
    this.#turnSoon();
    return true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#go();
  }

  /** Whether what the stack waits for keeps the process alive: answers, and when to ask again. */
  ref(): void {
    this.#keep("ref");
  }

  unref(): void {
    this.#keep("unref");
  }

  #keep(refs: "ref" | "unref"): void {
    this.#refs = refs;
    keepAlive(this.#timer, refs);
  }

  sessionsChanged(): void {
    if (!this.#unready) return;
    this.#unready = false;
    this.stack.ready();
  }

  close(): void {
    this.#closed = true;
    this.#place = undefined;
    clearTimeout(this.#timer);
    this.stack.close();
  }

  // ── the stack's side ───────────────────────────────────────────────────────────────────────────────────────

  reserve(_length: number): number {
    if (this.#place === undefined || this.#paused || !this.#hasRoom() || this.#sentBytes >= TURN_BYTES) {
      this.#refused = true;
      return -1;
    }
    return this.#place.at;
  }

  commit(_at: number, length: number): void {
    this.#sentBytes += length;
    this.#place?.send(length);
  }

  ready(destination: IpAddress): boolean {
    const ready = this.#place?.ready(destination.toBytes()) ?? false;
    if (!ready) this.#unready = true;
    return ready;
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** There is room. */
  #go(): void {
    if (this.#unready) this.sessionsChanged();
    if (!this.#refused) return;
    this.#refused = false;
    this.stack.room();
  }

  /** Once for all packets that the device hands over together. */
  #tellSoon(): void {
    if (this.#tellDue) return;
    this.#tellDue = true;
    queueMicrotask(this.#tell);
  }

  readonly #tell = (): void => {
    this.#tellDue = false;
    try {
      this.stack.tell();
    } catch (error) {
      this.#fail(error);
    }
  };

  /** Once for all connections that have something in this turn of the event loop: their packets leave together. */
  #turnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    soon(this.#turn);
  }

  #fail(error: unknown): void {
    if (this.#failed === undefined) throw error;
    this.#failed(error);
  }

  readonly #turn = (): void => {
    this.#turnDue = false;
    try {
      this.stack.turn(performance.now());
      if (this.#sentBytes >= TURN_BYTES) soon(() => this.#go());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#sentBytes = 0;
      this.#schedule(this.stack.nextDeadline());
    }
  };

  /** A timer that is due earlier than needed stays: to look too often is harmless. */
  #schedule(at: number): void {
    if (this.#closed || this.#turnDue || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const delay = Math.min(Math.max(0, Math.ceil(at - performance.now())), TIMER_MS_MAX);
    this.#timer = setTimeout(this.#timeout, delay);
    this.#keep(this.#refs);
  }

  readonly #timeout = (): void => {
    this.#timerAt = NEVER;
    this.#turn();
  };
}
