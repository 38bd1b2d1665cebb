/**
 * When to leave packets alone for a moment, so that they are taken in numbers: what interrupt moderation is to a network card. Whoever
 * sleeps is woken for each packet of a stream, such as UDP at full rate, and to be woken costs more than the packet. Where packets
 * come one way only, nobody waits for the single one: a request is answered, and TCP acknowledges.
 *
 *   dense   packets come all the time: leave them alone instead of waiting for the first
 *   bursts  a sender with a clock lets go of some at once: wait for the first, and leave those behind it alone
 */
import type { Instant } from "../time/instant.ts";

/** So long they are left alone; the timers of Linux add up to 0.05 ms. A TUN device queues 500 packets meanwhile. */
const PAUSE_MS = 0.1;
/** This many turns make a stream. */
const TURNS_MIN = 64;
/** So many bursts may fail to come before they are no longer waited for. */
const BURSTS_SPARE = 16;
/** How close together the packets of a stream, or of a burst, come. */
const GAP_MS_MAX = 0.05;
/** Fewer in a pause, and the stream is over, or so slow that sleep is cheap. */
const GATHERED_MIN = 3;
/** After so long what comes may be something else. */
const LULL_MS = 10;

export type Side = "inside" | "outside";
export type Pattern = "single" | "dense" | "bursts";

export class Moderation {
  #side: Side = "inside";
  #last: Instant = Number.NEGATIVE_INFINITY;
  /** In a row, from one side; those of them whose packets came close together. */
  #turns = 0;
  #dense = 0;
  /** Turns that came close after another, less those that did not. */
  #bursts = 0;
  /** What this turn's packets were left alone as. */
  #paused: Pattern = "single";
  /** More may be there already: then there is no need to wait for it. */
  #backlog = false;

  /** A turn took packets that came from one side. @param limit what a turn takes at the most */
  came(side: Side, now: Instant, packets: number, limit: number): void {
    const gap = now - this.#last;
    if (side !== this.#side || gap > LULL_MS) [this.#turns, this.#dense, this.#bursts] = [0, 0, 0];
    else this.#judge(gap, packets);
    this.#side = side;
    this.#last = now;
    this.#paused = "single";
    this.#backlog = packets >= limit;
  }

  /** After a pause, or where more waited than a turn takes, the time says nothing of how close together they came. */
  #judge(gap: number, packets: number): void {
    this.#turns += 1;
    const soon = gap <= GAP_MS_MAX * packets;
    const many = packets >= GATHERED_MIN;
    const close = this.#paused === "single" ? soon || (this.#backlog && many) : many;
    this.#dense = close && (soon || this.#paused !== "bursts") ? this.#dense + 1 : 0;
    this.#bursts = Math.max(0, Math.min(this.#bursts + (close ? 1 : -1), TURNS_MIN + BURSTS_SPARE));
  }

  /** Whether all there is comes from one side, for a while already. */
  oneWay(now: Instant): Side | undefined {
    return this.#turns >= TURNS_MIN && now - this.#last <= LULL_MS ? this.#side : undefined;
  }

  /** What the next packets are to be left alone as. */
  pattern(now: Instant): Pattern {
    if (this.oneWay(now) === undefined || this.#backlog) return "single";
    if (this.#dense >= TURNS_MIN) return "dense";
    return this.#bursts >= TURNS_MIN ? "bursts" : "single";
  }

  /** They are left alone as that. @returns milliseconds */
  pause(pattern: "dense" | "bursts"): number {
    this.#paused = pattern;
    return PAUSE_MS;
  }
}
