/**
 * A Tun made of an open descriptor that gives and takes one packet per read and write: a TUN device without packet
 * information that another program opened, a SOCK_SEQPACKET or SOCK_DGRAM socket. node:fs cannot wait for readiness: where the system
 * has somebody who tells (FFI), a descriptor that does not block is read when there is something, and elsewhere it is looked at
 * again after a while; one that blocks keeps a thread of the runtime's
 * pool, and the process ends only after its next packet. Deno's node:fs takes only descriptors that it opened itself.
 */
import { close, read, readSync, writeSync } from "node:fs";
import { errorCode } from "../error-code.ts";
import { TunError } from "./device-errors.ts";
import { readMtu, type TunOptions } from "./mtu.ts";
import { checkInteger } from "./options.ts";
import { type Readiness, system } from "./system.ts";
import type { Tun, TunEvents } from "./tun.ts";

const PACKET_BYTES_MAX = 65_535;
/** Packets read before others get their turn. */
const READS_PER_TURN = 64;
/** An idle descriptor is looked at after one turn of the event loop, and then after ever longer pauses up to this. */
const IDLE_MS_MAX = 8;
/** Looks without a pause after the last packet: about as long as the far end needs to answer. */
const EAGER_LOOKS = 50;
/** Longest delay that the timers of every runtime take. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class DescriptorTun implements Tun {
  readonly mtu: number | undefined;
  /** They are written at once. */
  readonly sharesBuffers = true;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(PACKET_BYTES_MAX);
  #events: TunEvents | undefined;
  #idleLooks = 0;
  #reading = false;
  #paused = false;
  /** What goes on with `resume`. */
  #parked: (() => void) | undefined;
  #closed = false;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #timeout: ReturnType<typeof setTimeout> | undefined;
  /** "unknown" until it is asked for, undefined where nobody tells. */
  #readiness: Readiness | "unknown" | undefined = "unknown";
  #watched = false;
  /** While it is watched, the process stays alive as it does for a timer. */
  #keepsAlive: ReturnType<typeof setInterval> | undefined;

  /** @param fd is closed when the device closes @throws OptionError */
  constructor(fd: number, options: TunOptions = {}) {
    checkInteger("fd", fd, 0, 2 ** 31 - 1);
    this.#fd = fd;
    this.mtu = readMtu(options);
  }

  /** @throws TunError once it was closed, for its number may be another's by now, and while it is read */
  open(events: TunEvents): void {
    if (this.#closed || this.#reading) throw new TunError("the descriptor is closed, or in use");
    this.#events = events;
    this.#readInPool();
  }

  /** The first read, and every read of a descriptor that blocks. */
  #readInPool(): void {
    this.#reading = true;
    read(this.#fd, this.#buffer, 0, PACKET_BYTES_MAX, null, (error, length) => {
      this.#reading = false;
      if (this.#events === undefined) return this.#closeDescriptor();
      if (isEmpty(error)) return this.#look();
      const more = this.#take(error, length);
      // Taking it may have closed the device, and its number may be another's by now.
      if (more && !this.#closed && !this.#parks(() => this.#readInPool())) this.#readInPool();
    });
  }

  /** A non-blocking descriptor: read what there is. */
  readonly #look = (): void => {
    for (let i = 0; i < READS_PER_TURN; i++) {
      if (this.#events === undefined || this.#parks(this.#look)) return;
      let length = 0;
      let failure: unknown = null;
      try {
        length = readSync(this.#fd, this.#buffer, 0, PACKET_BYTES_MAX, null);
      } catch (error) {
        failure = error;
      }
      if (isEmpty(failure)) return this.#lookLater();
      if (!this.#take(failure, length)) return;
      this.#idleLooks = 0;
    }
    // Who is watched is told of what is left.
    if (!this.#watched) this.#immediate = setImmediate(this.#look);
  };

  #lookLater(): void {
    if (this.#readiness === "unknown") this.#askReadiness();
    else if (this.#readiness !== undefined) return this.#watch(this.#readiness);
    this.#idleLooks += 1;
    if (this.#idleLooks < EAGER_LOOKS) this.#immediate = setImmediate(this.#look);
    else this.#timeout = setTimeout(this.#look, Math.min(this.#idleLooks - EAGER_LOOKS + 1, IDLE_MS_MAX));
  }

  #askReadiness(): void {
    this.#readiness = undefined;
    const found = system().readiness?.();
    found?.then(
      (readiness) => {
        this.#readiness = readiness;
      },
      () => {}, // it is looked at from time to time
    );
  }

  #watch(readiness: Readiness): void {
    if (this.#watched) return;
    try {
      readiness.watch(this.#fd, this.#look);
    } catch {
      this.#readiness = undefined;
      return this.#lookLater();
    }
    this.#watched = true;
    this.#keepsAlive = setInterval(() => {}, TIMER_MS_MAX);
  }

  /** Nobody reads for now, or ever again. */
  #unwatch(): void {
    if (!this.#watched) return;
    this.#watched = false;
    clearInterval(this.#keepsAlive);
    (this.#readiness as Readiness).unwatch(this.#fd);
  }

  /** While paused, or about to be: keep what is to be done next for later. */
  #parks(next: () => void): boolean {
    if (!this.#paused && this.#events?.hasRoom?.() !== false) return false;
    this.#parked = next;
    this.#unwatch();
    return true;
  }

  /** Packets wait in the interface. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const next = this.#parked;
    this.#parked = undefined;
    if (next !== undefined && this.#events !== undefined) next();
  }

  /** @returns false at the end */
  #take(error: unknown, length: number): boolean {
    if (error === null && length > 0) {
      this.#events?.receive(this.#buffer.subarray(0, length));
      return true;
    }
    const events = this.#events;
    this.#events = undefined;
    this.#unwatch();
    events?.failed(error === null ? new TunError("the descriptor ended") : new TunError("cannot read packets", error));
    return false;
  }

  write(packet: Uint8Array): boolean {
    if (this.#events === undefined) return false;
    try {
      return writeSync(this.#fd, packet) === packet.length;
    } catch {
      // Full, or a packet that the interface does not take: lost like on any interface.
      return false;
    }
  }

  /** The descriptor is closed at once, or when the read under way in the pool has come back: its number is not free before. */
  close(): void {
    this.#events = undefined;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timeout);
    this.#unwatch();
    if (!this.#reading) this.#closeDescriptor();
  }

  #closeDescriptor(): void {
    if (this.#closed) return;
    this.#closed = true;
    close(this.#fd, () => {});
  }
}

function isEmpty(error: unknown): boolean {
  const code = errorCode(error);
  return code === "EAGAIN" || code === "EWOULDBLOCK";
}
