/**
 * When to leave packets alone for a moment, so that they are taken in numbers: what interrupt moderation is to a network card. Whoever
 * sleeps is woken for each packet of a stream, such as UDP at full rate, and to be woken costs more than the packet. Where packets
 * come one way only, nobody waits for the single one: a request is answered, and TCP acknowledges.
 */
import type { Instant } from "../time/instant.ts";

/** So long they are left alone; the timers of Linux add up to 0.05 ms. A TUN device queues 500 packets meanwhile. */
const PAUSE_MS = 0.1;
/** This many turns make a stream, whose packets come this close together. */
const TURNS_MIN = 64;
const GAP_MS_MAX = 0.05;
/** Fewer in a pause, and the stream is over, or so slow that sleep is cheap. */
const GATHERED_MIN = 3;

export type Side = "inside" | "outside";

export class Moderation {
  #side: Side = "inside";
  #last: Instant = Number.NEGATIVE_INFINITY;
  /** In a row, from one side. */
  #turns = 0;
  #paused = false;
  /** More may be there already: then there is no need to wait for it. */
  #backlog = false;

  /** A turn took packets that came from one side. @param limit what a turn takes at the most */
  came(side: Side, now: Instant, packets: number, limit: number): void {
    const soon = !this.#paused && now - this.#last <= GAP_MS_MAX * packets;
    // After a pause, or where more waited than a turn takes, the time says nothing of how close together they came.
    const gathered = (this.#paused || this.#backlog) && packets >= GATHERED_MIN;
    this.#turns = side === this.#side && (soon || gathered) ? this.#turns + 1 : 0;
    this.#side = side;
    this.#last = now;
    this.#paused = false;
    this.#backlog = packets >= limit;
  }

  /** Asked before a wait. @returns milliseconds to leave packets alone, 0 for not at all */
  pause(): number {
    if (this.#turns < TURNS_MIN || this.#backlog) return 0;
    this.#paused = true;
    return PAUSE_MS;
  }
}
