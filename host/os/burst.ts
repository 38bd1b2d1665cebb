/**
 * News that come in bursts, where each costs a look at all peers: the first is told at once, and what is heard within a rest after that is told
 * at its end, once.
 */
import { type Instant, NEVER } from "../time/instant.ts";

export const REST_MS = 100;

export class Burst {
  #heard = false;
  #restUntil: Instant = -NEVER;

  hear(): void {
    this.#heard = true;
  }

  /** When to ask `isDue`; Infinity while there is no news. */
  nextDeadline(): Instant {
    return this.#heard ? this.#restUntil : NEVER;
  }

  /** @returns whether to tell now; the rest begins with that */
  isDue(now: Instant): boolean {
    if (now < this.nextDeadline()) return false;
    this.#heard = false;
    this.#restUntil = now + REST_MS;
    return true;
  }
}
