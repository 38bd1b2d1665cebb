/**
 * Leaving the core to whoever waits for it, while that costs little. Where somebody computes on the same core, it takes them
 * milliseconds to give it back; then it is better to sleep, because whoever wakes is preferred to them.
 */
import type { Instant } from "../time/instant.ts";

/** Longer than any neighbour takes for a packet. */
const LONG_MS = 0.5;
/**
 * No further try for so long; twice as long each time that ends the same way. A busy core costs a hundredth of the time at most then, and
 * half a second after it has become free it is found to be: after a transfer, say, or where a hypervisor takes the core now and then.
 */
const REST_MS_MIN = 10;
const REST_MS_MAX = 500;

export class Courtesy {
  readonly #yield: () => void;
  #restMs = REST_MS_MIN;
  #restsUntil: Instant = 0;

  /** @param yieldCore as of sched_yield(2) */
  constructor(yieldCore: () => void) {
    this.#yield = yieldCore;
  }

  /** Whether nobody kept the core for long of late. */
  pays(now: Instant): boolean {
    return now >= this.#restsUntil;
  }

  /** Let others run, unless that does not pay. @returns the time after it */
  yield(now: Instant): Instant {
    if (!this.pays(now)) return now;
    this.#yield();
    const after = performance.now();
    if (after - now <= LONG_MS) {
      this.#restMs = REST_MS_MIN;
    } else {
      this.#restsUntil = after + this.#restMs;
      this.#restMs = Math.min(2 * this.#restMs, REST_MS_MAX);
    }
    return after;
  }
}
