/**
 * Notices that the machine slept: the clock of the engine stood still meanwhile. As the kernel does, it asks a clock that counts
 * sleep and that nobody sets (CLOCK_BOOTTIME); what the wall clock does then means nothing. Where there is no such clock the
 * wall clock has to do: one that is set forward looks like sleep and costs a handshake; backward means nothing.
 */
import type { Instant, WallTime } from "../time/instant.ts";

/** Less is no sleep: a clock may tell whole seconds only, and the wall clock is corrected now and then. */
const NOTICED = 5_000;
/** The clock is asked so often, and at once when the wall clock jumps: it is dearer than the other two. */
const ASKED_EVERY = 1_000;

export class SleepWatch {
  readonly #uptime: (() => number) | undefined;
  /** Wall clock minus ours, in milliseconds; undefined before the first look. */
  #wallOffset: number | undefined;
  /** The clock that counts sleep minus ours. */
  #uptimeOffset = 0;
  #askAt: Instant = 0;

  /** @param uptime milliseconds on a clock that counts sleep and nobody sets, from any beginning; undefined if there is none */
  constructor(uptime?: () => number) {
    this.#uptime = uptime;
  }

  /** @returns milliseconds that our clock missed since the last look; 0 as long as both go together */
  slept(now: Instant, wall: WallTime): number {
    const offset = wall.seconds * 1000 + wall.nanoseconds / 1_000_000 - now;
    const first = this.#wallOffset === undefined;
    const jump = offset - (this.#wallOffset ?? offset);
    this.#wallOffset = offset;
    if (this.#uptime === undefined) return jump >= NOTICED ? jump : 0;
    if (!first && Math.abs(jump) < NOTICED && now < this.#askAt) return 0;
    this.#askAt = now + ASKED_EVERY;
    const missed = this.#uptime() - now - this.#uptimeOffset;
    // Small ones add up until they count.
    if (!first && missed < NOTICED) return 0;
    this.#uptimeOffset += missed;
    return first ? 0 : missed;
  }
}
