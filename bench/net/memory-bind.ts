/** Two binds that are each other's network: trains go from one to the other within the process, in order, with backpressure. */
import type { Bind, BindEvents, Endpoint } from "../../host/index.ts";

const FULL_BYTES = 1 << 20;
const DRAINED_BYTES = FULL_BYTES / 4;
const TRAIN_BYTES_MAX = 1 << 16;

/** On its way; the array is used again. */
interface Train {
  readonly bytes: Uint8Array;
  length: number;
  segment: number;
}

export class MemoryBind implements Bind {
  readonly endpoint: Endpoint;
  #far: MemoryBind | undefined;
  #events: BindEvents | undefined;
  /** For the far end. */
  #queue: Train[] = [];
  readonly #spare: Train[] = [];
  #bytes = 0;
  #full = false;
  #due = false;

  constructor(last: number) {
    this.endpoint = { address: Uint8Array.of(192, 0, 2, last), port: 51_820, scope: 0 };
  }

  static join(a: MemoryBind, b: MemoryBind): void {
    a.#far = b;
    b.#far = a;
  }

  open(_port: number, events: BindEvents): number {
    this.#events = events;
    return this.endpoint.port;
  }

  send(datagram: Uint8Array): boolean {
    return this.sendTrain(datagram, datagram.length);
  }

  sendTrain(bytes: Uint8Array, segment: number): boolean {
    const train = this.#spare.pop() ?? { bytes: new Uint8Array(TRAIN_BYTES_MAX), length: 0, segment: 0 };
    train.bytes.set(bytes);
    train.length = bytes.length;
    train.segment = segment;
    this.#queue.push(train);
    this.#bytes += bytes.length;
    if (this.#bytes >= FULL_BYTES && !this.#full) {
      this.#full = true;
      this.#events?.full?.();
    }
    if (!this.#due) {
      this.#due = true;
      setImmediate(() => this.#deliver());
    }
    return true;
  }

  #deliver(): void {
    this.#due = false;
    const queue = this.#queue;
    this.#queue = [];
    this.#bytes = 0;
    for (const train of queue) {
      this.#far?.receive(train, this.endpoint);
      this.#spare.push(train);
    }
    if (this.#full && this.#bytes <= DRAINED_BYTES) {
      this.#full = false;
      this.#events?.drained?.();
    }
  }

  receive({ bytes, length, segment }: Train, from: Endpoint): void {
    this.#events?.receiveTrain?.(bytes.subarray(0, length), segment, from);
  }

  close(): void {
    this.#events = undefined;
  }
}
