/**
 * Waiting without sleep, for those who pay with CPU time for latency: some time after a packet the next one is looked for again and
 * again, and after each look the core is left to whoever else wants it. To be woken costs several times what a packet does.
 */
import type { Instant } from "../time/instant.ts";
import type { Courtesy } from "./courtesy.ts";

/**
 * Look until something is found, for as long as asked, or until somebody else needs the core.
 * @param look returns how many are ready, at once
 * @returns    what `look` did; 0 when there was nothing, or no time to look
 */
export function lookUntil(courtesy: Courtesy, now: Instant, until: Instant, look: () => number): number {
  for (let at = now; at < until && courtesy.pays(at); at = courtesy.yield(at)) {
    const ready = look();
    if (ready > 0) return ready;
  }
  return 0;
}

export class BusyPoll {
  readonly #courtesy: Courtesy;
  readonly #lastsMs: number;
  #until: Instant = 0;

  constructor(courtesy: Courtesy, microseconds: number) {
    this.#courtesy = courtesy;
    this.#lastsMs = microseconds / 1000;
  }

  /** A packet came. */
  extend(now: Instant): void {
    this.#until = now + this.#lastsMs;
  }

  isOn(now: Instant): boolean {
    return now < this.#until;
  }

  /** For as long as it is worth it. @param deadline when to end in any case @returns as lookUntil */
  look(now: Instant, deadline: Instant, look: () => number): number {
    return lookUntil(this.#courtesy, now, Math.min(this.#until, deadline), look);
  }
}
