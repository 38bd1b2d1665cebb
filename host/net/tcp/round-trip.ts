/** Round-trip time and the retransmission timeout made of it (RFC 6298), with the lower bounds that kernels use. */
import type { Instant } from "../../time/instant.ts";
import { RTO_INITIAL, RTO_MAX, RTO_MIN } from "./constants.ts";

/** How long the least round-trip time counts: paths change. */
const LEAST_WINDOW = 300_000;

export class RoundTrip {
  /** Smoothed; 0 before the first sample. In milliseconds, as all here. */
  smoothed = 0;
  variation = 0;
  least = Number.POSITIVE_INFINITY;
  #leastAt: Instant = 0;
  #timeout = RTO_INITIAL;
  /** How often the timeout was doubled (RFC 6298 §5.5). */
  backoff = 0;

  get known(): boolean {
    return this.smoothed > 0;
  }

  /** The timeout that is to be used now. */
  get timeout(): number {
    return Math.min(this.#timeout * 2 ** this.backoff, RTO_MAX);
  }

  sample(milliseconds: number, now: Instant): void {
    // Zero means "below the clock's resolution", and 0 is the mark of the unknown.
    const rtt = Math.max(milliseconds, 0.001);
    if (this.smoothed === 0) {
      this.smoothed = rtt;
      this.variation = rtt / 2;
    } else {
      this.variation += (Math.abs(this.smoothed - rtt) - this.variation) / 4;
      this.smoothed += (rtt - this.smoothed) / 8;
    }
    if (rtt <= this.least || now - this.#leastAt > LEAST_WINDOW) {
      this.least = rtt;
      this.#leastAt = now;
    }
    // The bound is on the variation: the peer may delay its acknowledgements by that much at any time.
    this.#timeout = Math.min(this.smoothed + Math.max(4 * this.variation, RTO_MIN), RTO_MAX);
    this.backoff = 0;
  }

  /** The first SYN had to be sent again: RFC 6298 §5.7. */
  startAfterSynLoss(): void {
    this.backoff = 0;
    if (!this.known) this.#timeout = 3 * RTO_INITIAL;
  }
}
