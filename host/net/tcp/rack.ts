/**
 * RACK (RFC 8985 §6): a run is lost when one that was sent later has arrived, and it had time enough to be overtaken. How much is enough
 * is learnt: nothing where three segments suffice and no reordering was seen; else a part of the round trip that grows with each
 * retransmission that turns out to have been needless.
 */
import type { Instant } from "../../time/instant.ts";
import type { Phase } from "./recovery.ts";
import type { RoundTrip } from "./round-trip.ts";
import type { Delivery, Scoreboard } from "./scoreboard.ts";

const DUPLICATE_THRESHOLD = 3;
/** Recoveries without a needless retransmission after which the window shrinks again. */
const PERSIST = 16;

export class Rack {
  #sentAt: Instant = Number.NEGATIVE_INFINITY;
  #end = 0;
  /** Round trip of the run that was sent last among those that arrived. */
  rtt = 0;
  reorderingSeen = false;
  #multiplier = 1;
  #persist = 0;
  /** Until this is acknowledged, further duplicates belong to the same round; -1 outside of one. */
  #duplicateRound = -1;

  /** What an acknowledgement delivered. */
  update(delivery: Delivery): void {
    if (delivery.reordered) this.reorderingSeen = true;
    const { lastSentAt, lastEnd } = delivery;
    if (Number.isNaN(lastSentAt)) return;
    this.rtt = delivery.now - lastSentAt;
    if (lastSentAt > this.#sentAt || (lastSentAt === this.#sentAt && lastEnd > this.#end)) {
      this.#sentAt = lastSentAt;
      this.#end = lastEnd;
    }
  }

  /** The peer reported a duplicate: something was sent again for nothing. */
  duplicate(una: number, nxt: number): void {
    if (this.#duplicateRound >= 0 && una < this.#duplicateRound) return;
    this.#duplicateRound = nxt;
    this.#multiplier += 1;
    this.#persist = PERSIST;
  }

  recoveryEnded(): void {
    this.#persist -= 1;
    if (this.#persist <= 0) this.#multiplier = 1;
  }

  #window(scoreboard: Scoreboard, roundTrip: RoundTrip, mss: number, phase: Phase): number {
    if (!this.reorderingSeen && (phase !== "open" || scoreboard.sackedBytes >= DUPLICATE_THRESHOLD * mss)) return 0;
    return Math.min((this.#multiplier * roundTrip.least) / 4, roundTrip.smoothed);
  }

  /**
   * Mark as lost what had time enough.
   * @returns when to look again; 0 if there is nothing that may be lost
   */
  detect(scoreboard: Scoreboard, roundTrip: RoundTrip, mss: number, phase: Phase, now: Instant): Instant {
    const wait = this.rtt + this.#window(scoreboard, roundTrip, mss, phase);
    let again = 0;
    for (let run = scoreboard.head; run !== undefined && run.start < scoreboard.forward; run = run.next) {
      if (run.sacked || run.lost) continue;
      const before = run.sentAt < this.#sentAt || (run.sentAt === this.#sentAt && run.end < this.#end);
      if (!before) continue;
      if (run.sentAt + wait <= now) scoreboard.markLost(run);
      else again = Math.max(again, run.sentAt + wait);
    }
    return again;
  }
}
