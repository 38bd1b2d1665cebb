/**
 * A Tun made of a Duplex stream that yields and takes one IP packet per chunk, as tuntap2's `Tun` does. The stream may
 * be in object mode or not: in flowing mode both hand over chunk by chunk.
 */
import { byteLength } from "./bytes.ts";
import { TunError } from "./device-errors.ts";
import { readMtu, type TunOptions } from "./mtu.ts";
import { checkMethods } from "./options.ts";
import type { Tun, TunEvents } from "./tun.ts";

/** What is used of a Duplex of node:stream; written down, so that programs without Node's types can be compiled. */
export interface PacketStream {
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it, or a Duplex would not fit.
  on(event: string, listener: (...args: any[]) => void): unknown;
  write(packet: Uint8Array): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
  readonly writable: boolean;
  readonly writableNeedDrain: boolean;
}

export class DuplexTun implements Tun {
  readonly mtu: number | undefined;
  readonly #stream: PacketStream;
  #events: TunEvents | undefined;
  #closed = false;

  /** @param stream a Duplex, which is destroyed when the device closes @throws OptionError */
  constructor(stream: PacketStream, options: TunOptions = {}) {
    checkMethods("stream", stream, ["on", "write", "pause", "resume", "destroy"], []);
    this.#stream = stream;
    this.mtu = readMtu(options);
  }

  /** @throws TunError once it was closed */
  open(events: TunEvents): void {
    if (this.#closed) throw new TunError("the stream of packets was closed");
    this.#events = events;
    this.#stream.on("data", (packet: unknown) => this.#receive(packet));
    this.#stream.on("error", (error: unknown) => this.#fail("the stream of packets failed", error));
    this.#stream.on("close", () => this.#fail("the stream of packets was closed"));
    this.#stream.on("end", () => this.#fail("the stream of packets ended"));
  }

  /** Nobody could catch what is thrown here. */
  #receive(packet: unknown): void {
    if (byteLength(packet) < 0) this.#fail("the stream of packets gives something else than bytes");
    else this.#events?.receive(packet as Uint8Array);
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
    this.#closed = true;
    this.#events = undefined;
    this.#stream.destroy();
  }
}
