/**
 * Waiting without sleep, for those who pay with CPU time for latency: some time after a packet the next one is looked for again and
 * again, and after each look the core is left to whoever else wants it. To be woken costs several times what a packet does.
 */
import type { Instant } from "../../device/instant.ts";
import type { Libc } from "../../ffi/libc.ts";

/**
 * Look until something is found, or for as long as asked.
 * @param look returns how many are ready, at once
 * @returns    what `look` did; 0 when there was nothing, or no time to look
 */
export function lookUntil(libc: Libc, now: Instant, until: Instant, look: () => number): number {
  for (let at = now; at < until; at = performance.now()) {
    const ready = look();
    if (ready > 0) return ready;
    libc.schedYield();
  }
  return 0;
}

export class BusyPoll {
  readonly #libc: Libc;
  readonly #lastsMs: number;
  #until: Instant = 0;

  constructor(libc: Libc, microseconds: number) {
    this.#libc = libc;
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
    return lookUntil(this.#libc, now, Math.min(this.#until, deadline), look);
  }
}
