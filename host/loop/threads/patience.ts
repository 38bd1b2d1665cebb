/**
 * How long one thread waits for another, by its own watch: time counts only as far as it looks at it. A process that is stopped
 * (SIGSTOP, a paused machine) finds that much time has passed for everybody, and that nobody had a chance to use it.
 */

/** Between two looks no more than this counts. */
const STEP_MS = 100;

export class Patience {
  #leftMs: number;
  #seen = performance.now();

  constructor(milliseconds: number) {
    this.#leftMs = milliseconds;
  }

  /** To be asked again and again, with short naps between. @returns true once it is used up */
  isOver(): boolean {
    const now = performance.now();
    this.#leftMs -= Math.min(now - this.#seen, STEP_MS);
    this.#seen = now;
    return this.#leftMs <= 0;
  }
}
