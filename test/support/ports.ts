/** The ends of a lane for tests: what comes is put in, what goes is told, whole datagrams and whole packets. */
import { MESSAGE_BYTES_MAX, RX_SLOTS, VNET_BYTES } from "../../host/core/codes.ts";
import type { Address, Core, Endpoint } from "../../host/core/core.ts";
import { fillRx, rxPath } from "../../host/core/records/rx.ts";
import { txLength, txOffset, txPath, txPeer, txSegment, txTos } from "../../host/core/records/tx.ts";
import { copyWrite } from "../../host/core/records/write.ts";
import type { Inside, Outside } from "../../host/lane/ports.ts";

export interface Arrival {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
  readonly tos?: number | undefined;
  /** Datagram size of a train; without it this is one datagram. */
  readonly segment?: number | undefined;
}

/** A host: packets wait in `waiting` until the lane reads them. */
export class TestInside implements Inside {
  readonly waiting: Uint8Array[] = [];
  readonly #core: Core;
  readonly #delivered: (packet: Uint8Array) => void;
  readonly #injected: (packet: Uint8Array) => void;

  /** @param injected is told of the engine's own packets (ICMP errors); by default as of all others */
  constructor(core: Core, delivered: (packet: Uint8Array) => void, injected = delivered) {
    this.#core = core;
    this.#delivered = delivered;
    this.#injected = injected;
  }

  read(at: Address): number {
    const packet = this.waiting.shift();
    if (packet === undefined) return 0;
    this.#core.bytes.fill(0, at, at + VNET_BYTES);
    this.#core.bytes.set(packet, at + VNET_BYTES);
    return VNET_BYTES + packet.length;
  }

  write(count: number): void {
    for (let i = 0; i < count; i++) this.#delivered(copyWrite(this.#core.views, this.#core.write(i)));
  }

  inject(at: Address, length: number): void {
    this.#injected(this.#core.bytes.slice(at + VNET_BYTES, at + length));
  }
}

/** A network: datagrams wait in `waiting` until the lane receives them. */
export class TestOutside implements Outside {
  hasRoom = true;
  /** Indices of trains that the next `send` refuses. */
  readonly refusing = new Set<number>();
  readonly waiting: Arrival[] = [];
  readonly #core: Core;
  readonly #sent: (bytes: Uint8Array, to: Endpoint, tos: number, peer: number) => void;

  constructor(core: Core, sent: (bytes: Uint8Array, to: Endpoint, tos: number, peer: number) => void) {
    this.#core = core;
    this.#sent = sent;
  }

  receive(_family: 4 | 6, most: number): number {
    const { at, bytes: memory, views } = this.#core;
    const batch = this.waiting.splice(0, Math.min(most, RX_SLOTS));
    batch.forEach(({ bytes, from, tos = 0, segment = bytes.length }, i) => {
      const buffer = at.rxBuffers + MESSAGE_BYTES_MAX * i;
      memory.set(bytes, buffer);
      fillRx(views, this.#core.rx(i), buffer, bytes.length, segment, tos);
      this.#core.writeEndpoint(rxPath(this.#core.rx(i)), from);
    });
    return batch.length;
  }

  send(count: number): number {
    const { bytes, views } = this.#core;
    for (let i = 0; i < count; i++) {
      if (this.refusing.has(i)) continue;
      const record = this.#core.tx(i);
      const to = this.#core.readEndpoint(txPath(record))!;
      const start = txOffset(views, record);
      const end = start + txLength(views, record);
      const segment = txSegment(views, record);
      for (let at = start; at < end; at += segment) {
        const datagram = bytes.slice(at, Math.min(at + segment, end));
        this.#sent(datagram, to, txTos(views, record), txPeer(views, record));
      }
    }
    return this.refusing.size;
  }

  refused(index: number): boolean {
    return this.refusing.has(index);
  }

  lostSource(): boolean {
    return false;
  }
}
