/**
 * The UDP sockets of the tunnel through its life. A port is bound when it is set, also while the interface is down: so
 * whoever sets it hears that it is taken, and what peers send before the interface is up waits for it. Down closes them;
 * a port the kernel chose is kept for the next time. New sockets come first, then the old ones go (the kernel's
 * wg_socket_init): a change that fails changes nothing.
 *
 *   closed ──setPort──▶ bound ──start──▶ in use ──stop──▶ closed        start binds, too; it is tried again while it fails
 */

import { PortInUseError } from "../../errors.ts";
import type { Libc } from "../../ffi/libc.ts";
import { kernelAtLeast } from "../../platform.ts";
import type { Instant } from "../../time/instant.ts";
import { describeRefusal } from "./refused-trains.ts";
import { LinuxUdp, type UdpArea, type UdpOptions, type UdpSockets } from "./udp.ts";

/** A peer sends an initiation every 5 s: of what came before the interface was up, only the last one is of use. */
const WAITING_MS = 5_000;
/** Calls to drop what waited longer, at the most. */
const DROPS_MAX = 256;

export interface TunnelSocketsOptions {
  readonly libc: Libc;
  readonly area: UdpArea;
  /** Offset of receive descriptors for `area.slots` messages. */
  readonly descriptors: number;
  readonly udp?: UdpOptions;
  /** These are about to be used: other threads bind theirs to the same port. What it throws keeps those before in use. */
  opening?(sockets: UdpSockets, mark: number): void;
  /** New descriptors are in use; −1 for a family that the machine lacks. */
  opened(v4: number, v6: number): void;
  closing(): void;
  /** The sockets have a new mark. */
  marked?(mark: number): void;
  log(level: "error" | "verbose", message: string): void;
}

export class TunnelSockets {
  readonly udp: LinuxUdp;
  readonly #options: TunnelSocketsOptions;
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

  constructor(options: TunnelSocketsOptions) {
    this.#options = options;
    this.udp = new LinuxUdp(options.libc, options.area, {
      ...options.udp,
      onSegmentationRefused: (errno) => options.log("error", describeRefusal(errno)),
    });
  }

  /** 0 until one is set or chosen, and while it cannot be had although the interface is up. */
  get port(): number {
    return this.#started ? this.udp.port : this.#port;
  }

  get mark(): number {
    return this.#mark;
  }

  /** The interface is up. @returns false when there are no sockets, which is logged: call again after a while */
  start(): boolean {
    this.#started = true;
    if (this.#inUse) return true;
    try {
      if (this.udp.port === 0) this.udp.replace(this.#bindAgain());
      this.#use(this.udp.sockets);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      if (failure !== this.#failure) this.#options.log("error", `no UDP sockets: ${failure}; trying again`);
      this.#failure = failure;
      return false;
    }
    if (this.#failure !== undefined) this.#options.log("error", `UDP port ${this.udp.port} is open now`);
    this.#failure = undefined;
    return true;
  }

  /** The port it had. One that the kernel had chosen may be another's by now: any other will do. */
  #bindAgain(): UdpSockets {
    try {
      return this.udp.bind(this.#port, this.#mark);
    } catch (error) {
      if (this.#asked !== 0 || this.#port === 0 || !(error instanceof PortInUseError)) throw error;
      return this.udp.bind(0, this.#mark);
    }
  }

  stop(): void {
    this.#started = false;
    this.#inUse = false;
    this.#failure = undefined;
    this.#options.closing();
    this.udp.close();
  }

  /**
   * @param port 0 for any that is free, as the one in use may be
   * @returns whether it is another one than before
   * @throws PortInUseError, SystemError: all is as it was then
   */
  setPort(port: number): boolean {
    const { udp } = this;
    if (udp.port !== 0 && (port === this.#asked || port === udp.port)) {
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
    this.#port = udp.port;
    return true;
  }

  /** Have other threads bind theirs, and take these. They are closed when that fails, unless they are bound already. */
  #use(sockets: UdpSockets): void {
    const { udp } = this;
    try {
      this.#options.opening?.(sockets, this.#mark);
    } catch (error) {
      if (sockets !== udp.sockets) udp.discard(sockets);
      throw error;
    }
    if (sockets !== udp.sockets) udp.replace(sockets);
    this.#inUse = true;
    this.#port = udp.port;
    this.#options.opened(sockets.v4, sockets.v6);
  }

  /** From time to time, while the interface is down: what came for it does not wait for ever. */
  dropStale(now: Instant): void {
    if (this.#started || this.udp.port === 0 || now < this.#dropAt) return;
    this.#dropAt = now + WAITING_MS;
    for (const family of [4, 6] as const) {
      for (let i = 0; i < DROPS_MAX && this.udp.receive(family, this.#options.descriptors) > 0; i++);
    }
  }

  /** @throws SystemError without CAP_NET_RAW */
  setMark(mark: number): void {
    if (mark === this.#mark) return;
    try {
      this.udp.setMark(mark);
    } catch (error) {
      const who = kernelAtLeast(5, 17)
        ? "CAP_NET_RAW"
        : "CAP_NET_ADMIN, which the daemon gives up: start it with --no-confine";
      this.#options.log("error", `fwmark: the kernel lets only processes with ${who} mark packets`);
      throw error;
    }
    this.#mark = mark;
    this.#options.marked?.(mark);
  }
}
