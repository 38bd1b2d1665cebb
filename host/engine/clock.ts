/** The engine's present moment: it reads no clock, its driver tells the time. The wall clock is read where peers need it. */
import type { Instant, WallTime } from "../time/instant.ts";
import { SleepWatch } from "./sleep-watch.ts";

export class Clock {
  readonly #wallTime: () => WallTime;
  readonly #sleepWatch: SleepWatch;
  #now: Instant;

  /**
   * @param wallTime time since the Unix epoch
   * @param uptime   as SleepWatch takes it
   */
  constructor(now: Instant, wallTime: () => WallTime, uptime: (() => number) | undefined) {
    this.#now = now;
    this.#sleepWatch = new SleepWatch(uptime);
    this.#wallTime = wallTime;
    this.#sleepWatch.slept(now, wallTime());
  }

  get now(): Instant {
    return this.#now;
  }

  wallTime(): WallTime {
    return this.#wallTime();
  }

  /** It is `now`. @returns milliseconds that the machine slept meanwhile */
  advanceTo(now: Instant): number {
    this.#now = now;
    return this.#sleepWatch.slept(now, this.#wallTime());
  }
}
