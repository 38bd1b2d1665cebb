/**
 * Repair of losses: proportional rate reduction (RFC 6937) while a fast recovery lasts, slow start after a timeout, and the way back when
 * it turns out that nothing had been lost (RFC 3522 by timestamps, RFC 3708 by reported duplicates).
 *
 *             loss detected                  point acknowledged, or undone
 *   open ───────────────────────▶ recovery ─────────────────────────────────▶ open
 *     └── timeout ──▶ loss ◀── timeout ──┘
 *                      └──────────── point acknowledged, or undone ──────────▶ open
 */
import type { Instant } from "../../time/instant.ts";
import type { CongestionControl } from "./congestion.ts";
import type { Scoreboard } from "./scoreboard.ts";

export type Phase = "open" | "recovery" | "loss";

export class Recovery {
  phase: Phase = "open";
  /** What was sent when it began: acknowledged, it is over. */
  point = 0;
  /** First byte in doubt when it began. */
  #from = 0;
  #flight = 0;
  #target = 0;
  #delivered = 0;
  #sent = 0;
  /** When something was sent again for the first time; NaN before. */
  #resentAt: Instant = Number.NaN;
  /** Bytes sent again that were not reported as duplicates. */
  #resentBytes = 0;

  /** A loss was detected. */
  begin(scoreboard: Scoreboard, una: number, nxt: number, control: CongestionControl): void {
    this.#flight = Math.max(scoreboard.bytes, 1);
    this.#target = control.lost(scoreboard.bytes);
    this.#enter("recovery", una, nxt);
  }

  /** The retransmission timer ran out. */
  timeout(scoreboard: Scoreboard, una: number, nxt: number, control: CongestionControl): void {
    // One timeout after the other is still the same loss (RFC 5681 §3.1).
    if (this.phase === "loss" && una < this.point) {
      control.limit(0);
      return;
    }
    control.timedOut(scoreboard.bytes);
    this.#enter("loss", una, nxt);
  }

  #enter(phase: Phase, una: number, nxt: number): void {
    this.phase = phase;
    this.point = nxt;
    this.#from = una;
    this.#delivered = this.#sent = 0;
    this.#resentAt = Number.NaN;
    this.#resentBytes = 0;
  }

  /** Bytes were sent, for the first time or again. */
  sent(bytes: number): void {
    this.#sent += bytes;
  }

  resent(bytes: number, now: Instant): void {
    if (Number.isNaN(this.#resentAt)) this.#resentAt = now;
    this.#resentBytes += bytes;
  }

  /**
   * An acknowledgement during recovery delivered bytes: how much may be in flight now.
   * @param advance  how many of them it acknowledged in order
   */
  reduce(delivered: number, advance: number, flight: number, mss: number, control: CongestionControl): void {
    this.#delivered += delivered;
    let more: number;
    if (flight > this.#target) {
      more = Math.ceil((this.#delivered * this.#target) / this.#flight) - this.#sent;
    } else {
      // Slow start's bound while it goes well, conservation otherwise.
      const bound = Math.max(this.#delivered - this.#sent, delivered);
      more = Math.min(this.#target - flight, advance > 0 ? bound + mss : bound);
    }
    // The first retransmission always goes (§3).
    if (this.#sent === 0) more = Math.max(more, mss);
    control.limit(flight + Math.max(more, 0));
  }

  /** The point was acknowledged. */
  end(control: CongestionControl): void {
    if (this.phase === "recovery") control.limit(this.#target);
    this.phase = "open";
  }

  /** The peer got bytes twice. @returns whether everything sent again was needless */
  duplicate(start: number, end: number): boolean {
    if (this.phase === "open" || start < this.#from || end > this.point || this.#resentBytes <= 0) return false;
    this.#resentBytes -= end - start;
    return this.#resentBytes <= 0;
  }

  /** Whether an acknowledgement of new data, with this echo, answers what was sent first, the only thing so far or not: nothing had been lost. */
  answersOriginal(echo: Instant): boolean {
    if (this.phase === "open") return false;
    return Number.isNaN(this.#resentAt) || echo < Math.floor(this.#resentAt);
  }

  undo(control: CongestionControl): void {
    control.undo();
    this.phase = "open";
  }
}
