/**
 * What the stack sends to an address of its own: it comes back in the next turn, superpackets whole, and never gets near the tunnel. A
 * queue that is full loses packets, as a network would.
 */
import type { PacketSink } from "../sink.ts";
import { PACKET_BYTES_MAX, VNET_BYTES } from "../vnet.ts";

/** So that two segments make up a superpacket. */
export const LOOPBACK_MTU = 32_768;
const QUEUE_BYTES = 4 << 20;
const NONE: readonly Uint8Array[] = [];

export class Loopback implements PacketSink {
  readonly #wake: () => void;
  #bytes: Uint8Array | undefined;
  #view: DataView | undefined;
  #queue: Uint8Array[] = [];
  #queued = 0;

  /** @param wake have `take` called soon */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Made when it is first used: most networks never talk to themselves. */
  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(VNET_BYTES + PACKET_BYTES_MAX);
    return this.#bytes;
  }

  get view(): DataView {
    this.#view ??= new DataView(this.bytes.buffer);
    return this.#view;
  }

  reserve(): number {
    return 0;
  }

  commit(_at: number, length: number): void {
    if (this.#queued + length > QUEUE_BYTES) return;
    this.#queued += length;
    this.#queue.push(this.bytes.slice(0, length));
    this.#wake();
  }

  /** Packets since the last call, vnet header in front. */
  take(): readonly Uint8Array[] {
    if (this.#queued === 0) return NONE;
    const taken = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    return taken;
  }
}
