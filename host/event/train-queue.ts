/**
 * Datagrams on their way into the core: those that come in one turn of the event loop are opened in one call. Datagrams
 * of equal size from one sender share an RX slot as a train, the way the kernel merges them; a shorter one ends it.
 */
import { MESSAGE_BYTES_MAX, RX_SLOTS, TRAIN_DATAGRAMS_MAX } from "../core/codes.ts";
import type { Core, Endpoint } from "../core/core.ts";
import { fillRx, rxPath, setRxLength } from "../core/records/rx.ts";
import { requireEndpoint } from "./received.ts";

/** Datagrams in one slot: what the core's lists of writes and of touched peers are sized for. */
const TRAIN = TRAIN_DATAGRAMS_MAX;

export class TrainQueue {
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

  /**
   * @param bytes   one datagram, or a train of at most TRAIN; copied
   * @param length  their true length, at most MESSAGE_BYTES_MAX
   * @param segment of each datagram but the last; `length` for a single one
   * @param from    looked at when it is written; anybody may have made it
   * @returns       false when there is no room: call `take` first
   * @throws        OptionError for what is no endpoint
   */
  add(bytes: Uint8Array, length: number, segment: number, from: Endpoint): boolean {
    if (!this.#continues(length, segment, from)) {
      requireEndpoint(from);
      if (this.#slots === RX_SLOTS) return false;
      this.#begin(segment, from);
    }
    this.#append(bytes, length, segment);
    return true;
  }

  #continues(length: number, segment: number, from: Endpoint): boolean {
    return (
      this.#slots > 0 &&
      this.#from === from &&
      (segment === this.#segment || (length === segment && length < this.#segment)) &&
      this.#length === this.#segment * this.#datagrams &&
      this.#datagrams + Math.ceil(length / segment) <= TRAIN &&
      this.#length + length <= MESSAGE_BYTES_MAX
    );
  }

  #begin(segment: number, from: Endpoint): void {
    const { at, views } = this.#core;
    const record = this.#core.rx(this.#slots);
    fillRx(views, record, at.rxBuffers + MESSAGE_BYTES_MAX * this.#slots, 0, segment, 0);
    this.#core.writeEndpoint(rxPath(record), from);
    this.#slots += 1;
    this.#from = from;
    this.#segment = segment;
    this.#length = 0;
    this.#datagrams = 0;
  }

  #append(received: Uint8Array, length: number, segment: number): void {
    const { at, bytes, views } = this.#core;
    const slot = this.#slots - 1;
    bytes.set(received, at.rxBuffers + MESSAGE_BYTES_MAX * slot + this.#length);
    this.#length += length;
    this.#datagrams += Math.ceil(length / segment);
    setRxLength(views, this.#core.rx(slot), this.#length);
  }

  /** @returns how many RX descriptors are filled; the queue is empty afterwards */
  take(): number {
    const count = this.#slots;
    this.#slots = 0;
    this.#from = undefined;
    return count;
  }
}
