/**
 * Datagrams on their way into the core: those that come in one turn of the event loop are opened in one call. Datagrams
 * of equal size from one sender share an RX slot as a train, the way the kernel merges them; a shorter one ends it.
 */
import * as abi from "../../../assembly/abi.ts";
import type { Core, Endpoint } from "../../core/core.ts";

const SLOTS = 8; // assembly/constants.ts
/** Datagrams in one slot: what the core's lists of writes and of touched peers are sized for. */
const TRAIN = abi.TRAIN_DATAGRAMS_MAX;

export class ReceiveQueue {
  readonly #core: Core;
  #slots = 0;
  /** Of the last slot. */
  #from: Endpoint | undefined;
  #length = 0;
  #segment = 0;
  #datagrams = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get length(): number {
    return this.#slots;
  }

  /** @param datagram at most MESSAGE_BYTES_MAX bytes, copied @returns false when there is no room: call `take` first */
  add(datagram: Uint8Array, from: Endpoint): boolean {
    if (this.#continues(datagram.length, from)) {
      this.#append(datagram);
      return true;
    }
    if (this.#slots === SLOTS) return false;
    this.#begin(datagram.length, from);
    this.#append(datagram);
    return true;
  }

  #continues(length: number, from: Endpoint): boolean {
    return (
      this.#from === from &&
      length <= this.#segment &&
      this.#length === this.#segment * this.#datagrams &&
      this.#datagrams < TRAIN &&
      this.#length + length <= abi.MESSAGE_BYTES_MAX
    );
  }

  #begin(segment: number, from: Endpoint): void {
    const { at, view } = this.#core;
    const descriptor = at.rxDescriptors + abi.RX_BYTES * this.#slots;
    view.setUint32(descriptor + abi.RX_OFFSET, at.rxBuffers + abi.MESSAGE_BYTES_MAX * this.#slots, true);
    view.setUint32(descriptor + abi.RX_SEGMENT, segment, true);
    view.setUint32(descriptor + abi.RX_TOS, 0, true);
    this.#core.writeEndpoint(descriptor + abi.RX_PATH, from);
    this.#slots += 1;
    this.#from = from;
    this.#segment = segment;
    this.#length = 0;
    this.#datagrams = 0;
  }

  #append(datagram: Uint8Array): void {
    const { at, bytes, view } = this.#core;
    const slot = this.#slots - 1;
    bytes.set(datagram, at.rxBuffers + abi.MESSAGE_BYTES_MAX * slot + this.#length);
    this.#length += datagram.length;
    this.#datagrams += 1;
    view.setUint32(at.rxDescriptors + abi.RX_BYTES * slot + abi.RX_LENGTH, this.#length, true);
  }

  /** @returns how many RX descriptors are filled; the queue is empty afterwards */
  take(): number {
    const count = this.#slots;
    this.#slots = 0;
    this.#from = undefined;
    return count;
  }
}
