/**
 * HyStart++ (RFC 9406): leaves slow start when round trips grow, by way of a slower growth in which it looks whether they really do.
 */
const MIN_RTT_THRESHOLD = 4;
const MAX_RTT_THRESHOLD = 16;
const MIN_RTT_DIVISOR = 8;
const RTT_SAMPLES = 8;
const CONSERVATIVE_GROWTH_DIVISOR = 4;
const CONSERVATIVE_ROUNDS = 5;
/** Growth for one acknowledgement, in segments, is bounded where segments are not paced; ours are. */

export class SlowStart {
  #lastRoundLeast = Number.POSITIVE_INFINITY;
  #roundLeast = Number.POSITIVE_INFINITY;
  #samples = 0;
  #windowEnd = -1;
  /** Round-trip time that conservative growth began with; Infinity outside of it. */
  #baseline = Number.POSITIVE_INFINITY;
  #conservativeRounds = 0;

  /**
   * @param acknowledged bytes
   * @returns by how much the window grows, or -1: slow start is over
   */
  grow(acknowledged: number, rtt: number, una: number, nxt: number): number {
    if (una > this.#windowEnd) this.#beginRound(nxt);
    if (!Number.isNaN(rtt)) {
      this.#roundLeast = Math.min(this.#roundLeast, rtt);
      this.#samples += 1;
    }
    const enough = this.#samples >= RTT_SAMPLES;
    if (this.#baseline !== Number.POSITIVE_INFINITY) {
      // It was a burst: back to the full speed.
      if (enough && this.#roundLeast < this.#baseline) this.#baseline = Number.POSITIVE_INFINITY;
      else if (this.#conservativeRounds >= CONSERVATIVE_ROUNDS) return -1;
      else return acknowledged / CONSERVATIVE_GROWTH_DIVISOR;
    } else if (enough && this.#lastRoundLeast !== Number.POSITIVE_INFINITY) {
      const eighth = this.#lastRoundLeast / MIN_RTT_DIVISOR;
      const threshold = Math.max(MIN_RTT_THRESHOLD, Math.min(eighth, MAX_RTT_THRESHOLD));
      if (this.#roundLeast >= this.#lastRoundLeast + threshold) {
        this.#baseline = this.#roundLeast;
        this.#conservativeRounds = 0;
      }
    }
    return acknowledged;
  }

  #beginRound(nxt: number): void {
    this.#windowEnd = nxt;
    this.#lastRoundLeast = this.#roundLeast;
    this.#roundLeast = Number.POSITIVE_INFINITY;
    this.#samples = 0;
    if (this.#baseline !== Number.POSITIVE_INFINITY) this.#conservativeRounds += 1;
  }
}
