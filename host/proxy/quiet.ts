/**
 * Tells when nobody has used the proxy for a moment, and when for long: what may then take some milliseconds, and what makes whoever comes next
 * slower for a while. A pause is not told of each time that somebody comes again and again: the times between double. A proxy that nobody uses
 * has no timer running.
 *
 *   at rest ──used──▶ watching: a look every LOOK_MS ──nobody since the last look──▶ pause ──nobody for REST_LOOKS──▶ rest, at rest
 */

const LOOK_MS = 250;
/** Looks from one pause that is told to the next: half a second at first, 16 s in the end, and as at first after a rest. */
const BETWEEN_LEAST = 2;
const BETWEEN_MOST = 64;
/** 15 s. */
const REST_LOOKS = 60;

export interface QuietEvents {
  pause(): void;
  rest(): void;
}

export class Quiet {
  readonly #events: QuietEvents;
  #used = false;
  #timer: NodeJS.Timeout | undefined;
  /** Looks since the last use. */
  #quietLooks = 0;
  /** A pause after the last use has been told. */
  #paused = false;
  #between = BETWEEN_LEAST;
  #untilNext = 0;

  /** The start counts as a use. */
  constructor(events: QuietEvents) {
    this.#events = events;
    this.used();
  }

  /** Of every chunk that passes. */
  used(): void {
    this.#used = true;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(this.#look, LOOK_MS);
    this.#timer.unref();
  }

  readonly #look = (): void => {
    if (this.#untilNext > 0) this.#untilNext -= 1;
    if (this.#used) {
      this.#used = this.#paused = false;
      this.#quietLooks = 0;
      return;
    }
    this.#quietLooks += 1;
    if (this.#quietLooks >= REST_LOOKS) {
      this.close();
      this.#between = BETWEEN_LEAST;
      this.#events.rest();
    } else if (!this.#paused && this.#untilNext === 0) {
      this.#paused = true;
      this.#untilNext = this.#between;
      this.#between = Math.min(2 * this.#between, BETWEEN_MOST);
      this.#events.pause();
    }
  };

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
