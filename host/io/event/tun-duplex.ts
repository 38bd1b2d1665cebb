/**
 * A Tun made of a Duplex stream that yields and takes one IP packet per chunk, as tuntap2's `Tun` does. The stream may
 * be in object mode or not: in flowing mode both hand over chunk by chunk.
 */
import type { Duplex } from "node:stream";
import { TunError } from "./errors.ts";
import type { Tun, TunEvents } from "./tun.ts";

export class DuplexTun implements Tun {
  readonly mtu: number | undefined;
  readonly #stream: Duplex;
  #events: TunEvents | undefined;

  /** @param stream is destroyed when the device closes */
  constructor(stream: Duplex, options: { readonly mtu?: number | undefined } = {}) {
    this.#stream = stream;
    this.mtu = options.mtu;
  }

  open(events: TunEvents): void {
    this.#events = events;
    this.#stream.on("data", (packet: Uint8Array) => this.#events?.receive(packet));
    this.#stream.on("error", (error) => this.#fail("the stream of packets failed", error));
    this.#stream.on("close", () => this.#fail("the stream of packets was closed"));
    this.#stream.on("end", () => this.#fail("the stream of packets ended"));
  }

  #fail(message: string, cause?: unknown): void {
    const events = this.#events;
    this.#events = undefined;
    events?.failed(new TunError(message, cause));
  }

  /** Drops once the stream holds as much as it wants to: its high-water mark bounds the queue. */
  write(packet: Uint8Array): boolean {
    if (this.#events === undefined || !this.#stream.writable || this.#stream.writableNeedDrain) return false;
    this.#stream.write(packet);
    return true;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#events = undefined;
    this.#stream.destroy();
  }
}
