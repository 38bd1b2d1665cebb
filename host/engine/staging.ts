/**
 * Packets that have no session yet, of all peers: where they go when there is one, and when there will be none. A queue for
 * each peer (staged.ts) takes its share of one budget.
 */
import { DROP_STAGED } from "../core/codes.ts";
import type { Core } from "../core/core.ts";
import type { Lane } from "../lane/lane.ts";
import type { Clock } from "./clock.ts";
import { StagedBudget, StagedQueue } from "./staged.ts";
import type { Undeliverable } from "./undeliverable.ts";

export class Staging {
  readonly #core: Core;
  readonly #lane: Lane;
  readonly #clock: Clock;
  readonly #undeliverable: Undeliverable;
  readonly #budget: StagedBudget;

  /** @param limit bytes of all packets; STAGED_BYTES by default */
  constructor(lane: Lane, clock: Clock, undeliverable: Undeliverable, limit: number | undefined) {
    this.#core = lane.core;
    this.#lane = lane;
    this.#clock = clock;
    this.#undeliverable = undeliverable;
    this.#budget = new StagedBudget(limit);
  }

  /** Bytes of all packets that wait. */
  get bytes(): number {
    return this.#budget.used;
  }

  queue(): StagedQueue {
    return new StagedQueue(this.#budget);
  }

  /** A packet need not wait any more. It is routed anew, for the configuration may have changed. */
  resend(packet: Uint8Array): void {
    const { tunBuffer } = this.#core.at;
    this.#core.bytes.set(packet, tunBuffer);
    this.#lane.send(tunBuffer, packet.length, this.#clock.now);
  }

  /** The peer will not be reached soon: tell whoever sent this packet. */
  giveUp(packet: Uint8Array): void {
    const { tunBuffer } = this.#core.at;
    this.drop(1);
    this.#core.bytes.set(packet, tunBuffer);
    this.#undeliverable.unreachable(tunBuffer, packet.length, this.#clock.now);
  }

  /** So many packets were dropped without a word. */
  drop(count: number): void {
    this.#core.countDrops(DROP_STAGED, count);
  }
}
