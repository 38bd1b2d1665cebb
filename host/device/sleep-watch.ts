/**
 * Notices that the machine slept, or was moved or stopped as a virtual machine: the clock of the engine stood still, the
 * wall clock went on. The kernel asks a clock that counts sleep (CLOCK_BOOTTIME); no runtime of ours has one.
 * A wall clock that is set forward looks the same, and costs no more than a new handshake. Backward means nothing.
 */
import type { Instant, WallTime } from "./instant.ts";

/** A correction of the clock by less is no sleep. */
const NOTICED = 5_000;

export class SleepWatch {
  /** Wall clock minus ours, in milliseconds; undefined before the first look. */
  #offset: number | undefined;

  /** @returns milliseconds that our clock missed since the last look; 0 as long as both go together */
  slept(now: Instant, wall: WallTime): number {
    const offset = wall.seconds * 1000 + wall.nanoseconds / 1_000_000 - now;
    const missed = offset - (this.#offset ?? offset);
    this.#offset = offset;
    return missed >= NOTICED ? missed : 0;
  }
}
