/**
 * What a thread does while it waits for packets of its own: it helps others with theirs (assembly/transport/fork.ts). Who sleeps takes tens of
 * microseconds to wake, as long as half a train takes to be opened; so a thread looks for some time after it was called, or helped,
 * and sleeps otherwise. Whoever has more than one thread can do calls one, through the eventfd that wakes it for all else.
 * While somebody else computes on its core, or there is only one core, a thread does not help.
 */
import type { CoreExports } from "../../core/core.ts";
import type { Instant } from "../../time/instant.ts";
import type { Courtesy } from "../courtesy.ts";
import { CALLABLE, line } from "./control.ts";

/** Longer than what lies between two batches of a thread that is busy: eight trains are received, and eight superpackets written. */
const LASTS_MS = 1;
/** Looks of the core between two at the thread's own packets: some 10 microseconds. */
const LOOKS = 4_096;
/** Others (signals, the runtime's event loop) get their turn at least this often. */
const TURN_MS = 100;
/** A batch that came so soon after the one before was there already. */
const AT_ONCE_MS = 0.02;
/** So many of them in a row are no burst: it pays to wake somebody. */
const BATCHES = 4;

export interface HelpingOptions {
  readonly exports: Pick<CoreExports, "help" | "startLooking" | "stopLooking" | "takeUnshared">;
  /** Shared by all threads; see control.ts. */
  readonly control: SharedArrayBuffer;
  /** Its number; 0 is the main one. */
  readonly thread: number;
  readonly threads: number;
  /** Wait for what this thread has to do itself. @returns how much of it is ready */
  readonly wait: (timeoutMs: number) => number;
  /** Wake another thread. */
  readonly wake: (thread: number) => void;
  readonly courtesy: Courtesy;
}

export class Helping {
  readonly #options: HelpingOptions;
  readonly #words: Int32Array;
  readonly #callable: number;
  /** Until when it looks. */
  #until: Instant = 0;
  /** Since when it waits; its last batch ended then. */
  #idleSince: Instant = 0;
  #waiting: "for the first time" | "again" = "for the first time";
  /** Batches in a row that were there already, and that others might have helped with. */
  #batches = 0;

  constructor(options: HelpingOptions) {
    this.#options = options;
    this.#words = new Int32Array(options.control);
    this.#callable = line(options.thread - 1) + CALLABLE;
  }

  /** Wait until something of this thread's own is ready, and help meanwhile. @returns how much; 0 after the timeout, a signal or TURN_MS */
  wait(timeoutMs: number): number {
    this.batchDone();
    const now = performance.now();
    const ready = timeoutMs > 0 ? this.#helpOrSleep(now, timeoutMs) : this.#options.wait(0);
    if (ready > 0) {
      this.#waiting = "for the first time";
      if (performance.now() - this.#idleSince > AT_ONCE_MS) this.#batches = 0;
    }
    return ready;
  }

  /** What was ready is dealt with. Told by `wait`, and by who does something else before. */
  batchDone(): void {
    if (this.#waiting === "again") return;
    this.#waiting = "again";
    this.#idleSince = performance.now();
    if (this.#options.exports.takeUnshared() > 0 && ++this.#batches >= BATCHES) this.#call();
  }

  #helpOrSleep(now: Instant, timeoutMs: number): number {
    if (now >= this.#until || !this.#options.courtesy.pays(now)) return this.#sleep(now, timeoutMs);
    const deadline = now + Math.min(timeoutMs, TURN_MS);
    const ready = this.#help(now, deadline);
    const after = performance.now();
    // A signal that came while it looked cannot interrupt the sleep that follows: so that ends as early as the looking would have.
    return ready > 0 || after >= deadline ? ready : this.#sleep(after, deadline - after);
  }

  /** @returns as wait: also 0 when there was nothing to help with for some time */
  #help(now: Instant, deadline: Instant): number {
    const { exports, wait, courtesy } = this.#options;
    exports.startLooking();
    try {
      for (
        let at = now;
        at < Math.min(this.#until, deadline) && courtesy.pays(at);
        at = courtesy.yield(performance.now())
      ) {
        if (exports.help(LOOKS) > 0) this.#until = performance.now() + LASTS_MS;
        const ready = wait(0);
        if (ready > 0) return ready;
      }
      return 0;
    } finally {
      exports.stopLooking();
    }
  }

  #sleep(now: Instant, timeoutMs: number): number {
    if (!this.#options.courtesy.pays(now)) return this.#options.wait(timeoutMs);
    Atomics.store(this.#words, this.#callable, 1);
    const ready = this.#options.wait(timeoutMs);
    if (Atomics.exchange(this.#words, this.#callable, 0) === 0) this.#until = performance.now() + LASTS_MS;
    return ready;
  }

  /** Wake one that sleeps. */
  #call(): void {
    this.#batches = 0;
    const { thread, threads, wake } = this.#options;
    for (let step = 1; step < threads; step++) {
      const other = (thread + step) % threads;
      if (Atomics.compareExchange(this.#words, line(other - 1) + CALLABLE, 1, 0) === 1) return wake(other);
    }
  }
}
