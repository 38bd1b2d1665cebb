/**
 * The UDP sockets of the tunnel through its life: open while the interface is up, rebound when the port changes,
 * marked when a mark is set. A port the kernel chose is kept when the interface goes down and up again.
 */
import type { Libc } from "../../ffi/libc.ts";
import { LinuxUdp, type UdpArea, type UdpOptions } from "./udp.ts";

export interface TunnelSocketsOptions {
  readonly libc: Libc;
  readonly area: UdpArea;
  readonly udp?: UdpOptions;
  /** New descriptors; −1 for a family that the machine lacks. */
  opened(v4: number, v6: number): void;
  closing(v4: number, v6: number): void;
  /** The sockets have a new mark. */
  marked?(mark: number): void;
  log(level: "error" | "verbose", message: string): void;
}

export class TunnelSockets {
  readonly udp: LinuxUdp;
  readonly #options: TunnelSocketsOptions;
  #port = 0;
  #mark = 0;
  #started = false;

  constructor(options: TunnelSocketsOptions) {
    this.#options = options;
    this.udp = new LinuxUdp(options.libc, options.area, {
      ...options.udp,
      onSegmentationRefused: (errno) =>
        options.log("error", `the kernel refused UDP segmentation offload (errno ${errno}): sending datagrams singly`),
    });
  }

  /** 0 until one is set or chosen. */
  get port(): number {
    return this.#port;
  }

  get mark(): number {
    return this.#mark;
  }

  /** The interface is up. A port that is taken is logged: the next `setPort` tries again. */
  start(): void {
    this.#started = true;
    try {
      this.#open(this.#port);
    } catch (error) {
      this.#options.log("error", error instanceof Error ? error.message : String(error));
    }
  }

  stop(): void {
    this.#started = false;
    this.#close();
  }

  /** @param port 0 for any that is free @throws PortInUseError, SystemError: then no port is bound */
  setPort(port: number): void {
    this.#close();
    this.#port = 0;
    if (this.#started) this.#open(port);
    else this.#port = port;
  }

  /** @throws SystemError without CAP_NET_ADMIN */
  setMark(mark: number): void {
    if (mark === this.#mark) return;
    this.udp.setMark(mark);
    this.#mark = mark;
    this.#options.marked?.(mark);
  }

  #open(port: number): void {
    this.udp.open(port, this.#mark);
    this.#port = this.udp.port;
    this.#options.opened(this.udp.v4, this.udp.v6);
  }

  #close(): void {
    this.#options.closing(this.udp.v4, this.udp.v6);
    this.udp.close();
  }
}
