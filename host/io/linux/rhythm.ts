/**
 * When the next packet is to be expected. A sender with a clock (an echo request each millisecond, a control loop, audio in small
 * frames) sends evenly; the mean of the gaps and their mean deviation are kept as RFC 6298, section 2, keeps those of round trips.
 */
import type { Instant } from "../../device/instant.ts";

/** Slower ones gain nothing: the time of a wake-up is little against the gap. Quicker ones would be looked for all the time. */
const GAP_MS_MAX = 4;
const GAP_MS_MIN = 0.8;
/** What is less even than this cannot be foretold. */
const DEVIATION_MS_MAX = 0.06;
/** One packet that is much too late, or lost, says little of the next: it counts as this late. */
const ERROR_MS_MAX = 0.2;

export class Rhythm {
  #last: Instant = Number.NEGATIVE_INFINITY;
  /** 0 before the first gap. */
  #gap = 0;
  #deviation = 0;

  /** One packet came, alone. */
  beat(now: Instant): void {
    const gap = now - this.#last;
    this.#last = now;
    if (gap > 2 * GAP_MS_MAX) {
      this.#gap = 0;
    } else if (this.#gap === 0) {
      this.#gap = gap;
      this.#deviation = gap / 2;
    } else {
      const error = Math.max(-ERROR_MS_MAX, Math.min(gap - this.#gap, ERROR_MS_MAX));
      this.#gap += error / 8;
      this.#deviation += (Math.abs(error) - this.#deviation) / 4;
    }
  }

  /** Several came together: that is traffic in numbers, which has no use for this. */
  lose(): void {
    this.#gap = 0;
  }

  /** Infinity without a rhythm. May be past: then the packet is late. */
  get expected(): Instant {
    const even = this.#gap >= GAP_MS_MIN && this.#gap <= GAP_MS_MAX && this.#deviation <= DEVIATION_MS_MAX;
    return even ? this.#last + this.#gap : Number.POSITIVE_INFINITY;
  }
}
