/** Two binds that are each other's network: datagrams go from one to the other within the process, in order, with backpressure. */
import type { Bind, BindEvents, Endpoint } from "../../host/index.ts";

const FULL_BYTES = 1 << 20;
const DRAINED_BYTES = FULL_BYTES / 4;

export class MemoryBind implements Bind {
  readonly endpoint: Endpoint;
  #far: MemoryBind | undefined;
  #events: BindEvents | undefined;
  /** For the far end. */
  #queue: Uint8Array[] = [];
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
    this.#queue.push(datagram);
    this.#bytes += datagram.length;
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
    for (const datagram of queue) this.#far?.receive(datagram, this.endpoint);
    if (this.#full && this.#bytes <= DRAINED_BYTES) {
      this.#full = false;
      this.#events?.drained?.();
    }
  }

  receive(datagram: Uint8Array, from: Endpoint): void {
    this.#events?.receive(datagram, from);
  }

  close(): void {
    this.#events = undefined;
  }
}
