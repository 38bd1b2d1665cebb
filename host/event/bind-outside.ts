/** Any Bind as the outside of a lane: what came in since the last turn is received at once, what goes out is copied, a train at a time. */
import type { Core } from "../core/core.ts";
import { txLength, txOffset, txSegment } from "../core/records/tx.ts";
import type { Outside } from "../lane/ports.ts";
import { EndpointCache } from "./endpoint-cache.ts";
import type { Outgoing } from "./outgoing.ts";
import { TrainQueue } from "./train-queue.ts";

export class BindOutside implements Outside {
  /** Datagrams that came, until the lane receives them. */
  readonly received: TrainQueue;
  /** False from the Bind's `full` to its `drained`. */
  hasRoom = true;
  readonly #core: Core;
  readonly #outgoing: Outgoing;
  readonly #destinations: EndpointCache;

  constructor(core: Core, outgoing: Outgoing) {
    this.#core = core;
    this.#outgoing = outgoing;
    this.received = new TrainQueue(core);
    this.#destinations = new EndpointCache(core);
  }

  /** Of both families. */
  receive(): number {
    return this.received.take();
  }

  send(count: number): number {
    const { views, bytes } = this.#core;
    for (let i = 0; i < count; i++) {
      const record = this.#core.tx(i);
      const start = txOffset(views, record);
      const to = this.#destinations.destination(record);
      if (to === undefined) continue;
      this.#outgoing.addTrain(bytes, start, txLength(views, record), txSegment(views, record), to);
    }
    return 0;
  }

  /** What the Bind refuses later is counted then. */
  refused(): boolean {
    return false;
  }

  lostSource(): boolean {
    return false;
  }
}
