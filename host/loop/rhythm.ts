/**
 * When the next packet is to be expected. A sender with a clock (an echo request each millisecond, a control loop, audio in small
 * frames) sends evenly; the mean of the gaps and their mean deviation are exponentially weighted moving averages (EWMA), as RFC 6298,
 * section 2, keeps those of round trips.
 */
import type { Instant } from "../time/instant.ts";

/** Slower ones gain nothing: the time of a wake-up is little against the gap. Quicker ones would be looked for all the time. */
const GAP_MS_MAX = 4;
const GAP_MS_MIN = 0.8;
/** What is less even than this cannot be foretold. */
const DEVIATION_MS_MAX = 0.08;
/** A packet that is lost, or this much too late or early, says nothing of the pace; several of them say that it is another one. */
const ERROR_MS_MAX = 0.2;
const STRANGERS_MAX = 3;

export class Rhythm {
  #last: Instant = Number.NEGATIVE_INFINITY;
  /** 0 before the first gap. */
  #gap = 0;
  #deviation = 0;
  /** Gaps in a row that were none of this rhythm. */
  #strangers = 0;

  /** One packet came, alone. */
  beat(now: Instant): void {
    const gap = now - this.#last;
    this.#last = now;
    if (gap > 2 * GAP_MS_MAX) return this.#start(0);
    const error = gap - this.#gap;
    const distance = Math.abs(error);
    if (distance <= ERROR_MS_MAX) {
      this.#strangers = 0;
      this.#gap += error / 8;
    } else {
      this.#strangers += 1;
      if (this.#gap === 0 || this.#strangers > STRANGERS_MAX) return this.#start(gap);
    }
    this.#deviation += (Math.min(distance, ERROR_MS_MAX) - this.#deviation) / 4;
  }

  /** Several came together: that is traffic in numbers, which has no use for this. */
  lose(): void {
    this.#last = Number.NEGATIVE_INFINITY;
    this.#start(0);
  }

  #start(gap: number): void {
    this.#gap = gap;
    this.#deviation = ERROR_MS_MAX;
    this.#strangers = 0;
  }

  /** Infinity without a rhythm. May be past: then the packet is late. */
  get expected(): Instant {
    const even = this.#gap >= GAP_MS_MIN && this.#gap <= GAP_MS_MAX && this.#deviation <= DEVIATION_MS_MAX;
    return even ? this.#last + this.#gap : Number.POSITIVE_INFINITY;
  }
}
