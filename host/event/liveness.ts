/** What keeps the process alive for sockets that the runtime does not know. */
import { setInterval } from "node:timers";

/** Longest delay that the timers of every runtime take. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const held = new Set<Liveness>();

export class Liveness {
  readonly #timer = setInterval(() => {}, TIMER_MS_MAX);

  constructor(refs: "ref" | "unref") {
    this.keep(refs);
  }

  /** Whether any of them does. */
  static readonly anyHeld = (): boolean => held.size > 0;

  keep(refs: "ref" | "unref"): void {
    this.#timer[refs]();
    if (refs === "ref") held.add(this);
    else held.delete(this);
  }

  end(): void {
    held.delete(this);
    clearInterval(this.#timer);
  }
}
