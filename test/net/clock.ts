/** A clock that stands still until somebody runs it: what is due happens in order, at exactly its time. */
import { EventQueue } from "../simulation/event-queue.ts";

export class VirtualClock {
  readonly #queue = new EventQueue();
  now = 0;

  /** Milliseconds until the next thing happens; Infinity if nothing is left. */
  get next(): number {
    return this.#queue.next;
  }

  at(time: number, run: () => void): void {
    this.#queue.add(Math.max(time, this.now), run);
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Do what is due up to `time`, and stop there. */
  runUntil(time: number): void {
    while (this.#queue.next <= time) this.#step();
    this.now = Math.max(this.now, time);
  }

  /** Until `done` says so, or there is nothing more to do, or it is `limit`. @returns whether it was done */
  runWhile(going: () => boolean, limit = Number.POSITIVE_INFINITY): boolean {
    while (going()) {
      if (this.#queue.next > limit || this.#queue.next === Number.POSITIVE_INFINITY) return false;
      this.#step();
    }
    return true;
  }

  #step(): void {
    this.now = Math.max(this.now, this.#queue.next);
    this.#queue.runNext();
  }
}
