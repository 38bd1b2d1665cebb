/**
 * The UDP sockets of the tunnel through its life. A port is bound when it is set, also while the interface is down: so
 * whoever sets it hears that it is taken, and what peers send before the interface is up waits for it. Down closes them;
 * a port the kernel chose is kept for the next time. New sockets come first, then the old ones go (the kernel's
 * wg_socket_init): a change that fails changes nothing.
 *
 *   closed ──setPort──▶ bound ──start──▶ in use ──stop──▶ closed        start binds, too; it is tried again while it fails
 */

import { PortInUseError } from "../errors.ts";
import type { Instant } from "../time/instant.ts";
import type { BoundSockets } from "./machine.ts";

/** A peer sends an initiation every 5 s: of what came before the interface was up, only the last one is of use. */
const WAITING_MS = 5_000;
/** Calls to drop what waited longer, at the most. */
const DROPS_MAX = 256;

/** The sockets of either family, as a system has them. `S`: what it knows of them beside their descriptors. */
export interface UdpEnds<S extends BoundSockets = BoundSockets> {
  /** What is in use. */
  readonly sockets: S;
  /** New ones, not in use yet. @param port 0 for one that is free in both families @throws PortInUseError, SystemError */
  bind(port: number, mark: number): S;
  /** Use these from now on, and close those that were in use. */
  replace(sockets: S): void;
  /** Close sockets that `bind` made and nobody wants. */
  discard(sockets: S): void;
  /** @throws SystemError */
  setMark(mark: number): void;
  /** Take what is waiting. @param descriptors offset of receive descriptors @returns messages */
  receive(family: 4 | 6, descriptors: number): number;
  close(): void;
}

export interface TunnelSocketsOptions<S extends BoundSockets = BoundSockets> {
  readonly udp: UdpEnds<S>;
  /** Offset of receive descriptors, as many as one receive fills. */
  readonly descriptors: number;
  /** Who may mark packets, for the log. */
  marksWanted(): string;
  /** These are about to be used: other threads bind theirs to the same port. What it throws keeps those before in use. */
  opening?(sockets: S, mark: number): void;
  /** New descriptors are in use; −1 for a family that the machine lacks. */
  opened(v4: number, v6: number): void;
  closing(): void;
  /** The sockets have a new mark. */
  marked?(mark: number): void;
  log(level: "error" | "verbose", message: string): void;
}

export class TunnelSockets<S extends BoundSockets = BoundSockets> {
  readonly #udp: UdpEnds<S>;
  readonly #options: TunnelSocketsOptions<S>;
  /** The port that was asked for; 0 for any. */
  #asked = 0;
  /** The port to bind next: the one asked for, or the one that the kernel chose. */
  #port = 0;
  #mark = 0;
  #started = false;
  #inUse = false;
  /** Why the last attempt to start failed: told once. */
  #failure: string | undefined;
  #dropAt: Instant = 0;

  constructor(options: TunnelSocketsOptions<S>) {
    this.#options = options;
    this.#udp = options.udp;
  }

  /** 0 until one is set or chosen, and while it cannot be had although the interface is up. */
  get port(): number {
    return this.#started ? this.#udp.sockets.port : this.#port;
  }

  get mark(): number {
    return this.#mark;
  }

  /** The interface is up. @returns false when there are no sockets, which is logged: call again after a while */
  start(): boolean {
    this.#started = true;
    if (this.#inUse) return true;
    try {
      if (this.#udp.sockets.port === 0) this.#udp.replace(this.#bindAgain());
      this.#use(this.#udp.sockets);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      if (failure !== this.#failure) this.#options.log("error", `no UDP sockets: ${failure}; trying again`);
      this.#failure = failure;
      return false;
    }
    if (this.#failure !== undefined) this.#options.log("error", `UDP port ${this.#udp.sockets.port} is open now`);
    this.#failure = undefined;
    return true;
  }

  /** The port it had. One that the kernel had chosen may be another's by now: any other will do. */
  #bindAgain(): S {
    try {
      return this.#udp.bind(this.#port, this.#mark);
    } catch (error) {
      if (this.#asked !== 0 || this.#port === 0 || !(error instanceof PortInUseError)) throw error;
      return this.#udp.bind(0, this.#mark);
    }
  }

  stop(): void {
    this.#started = false;
    this.#inUse = false;
    this.#failure = undefined;
    this.#options.closing();
    this.#udp.close();
  }

  /**
   * @param port 0 for any that is free, as the one in use may be
   * @returns whether it is another one than before
   * @throws PortInUseError, SystemError: all is as it was then
   */
  setPort(port: number): boolean {
    const udp = this.#udp;
    if (udp.sockets.port !== 0 && (port === this.#asked || port === udp.sockets.port)) {
      this.#asked = port;
      return false;
    }
    try {
      const fresh = udp.bind(port, this.#mark);
      if (this.#started) this.#use(fresh);
      else udp.replace(fresh);
    } catch (error) {
      this.#options.log("error", `listen_port: ${error instanceof Error ? error.message : error}`);
      throw error;
    }
    this.#asked = port;
    this.#port = udp.sockets.port;
    return true;
  }

  /** Have other threads bind theirs, and take these. They are closed when that fails, unless they are bound already. */
  #use(sockets: S): void {
    const udp = this.#udp;
    try {
      this.#options.opening?.(sockets, this.#mark);
    } catch (error) {
      if (sockets !== udp.sockets) udp.discard(sockets);
      throw error;
    }
    if (sockets !== udp.sockets) udp.replace(sockets);
    this.#inUse = true;
    this.#port = udp.sockets.port;
    this.#options.opened(sockets.v4, sockets.v6);
  }

  /** From time to time, while the interface is down: what came for it does not wait for ever. */
  dropStale(now: Instant): void {
    if (this.#started || this.#udp.sockets.port === 0 || now < this.#dropAt) return;
    this.#dropAt = now + WAITING_MS;
    for (const family of [4, 6] as const) {
      for (let i = 0; i < DROPS_MAX && this.#udp.receive(family, this.#options.descriptors) > 0; i++);
    }
  }

  /** @throws SystemError */
  setMark(mark: number): void {
    if (mark === this.#mark) return;
    try {
      this.#udp.setMark(mark);
    } catch (error) {
      this.#options.log("error", `fwmark: ${this.#options.marksWanted()}`);
      throw error;
    }
    this.#mark = mark;
    this.#options.marked?.(mark);
  }
}
