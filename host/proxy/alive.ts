/** Pings addresses inside at a steady pace, and knows when each answered last: what a health check asks for (CheckAlive). */

/** How much later than its interval an answer may come before an address counts as gone. */
const GRACE_MS = 2_000;

export interface AliveOptions {
  readonly addresses: readonly string[];
  readonly intervalMs: number;
  /** Resolves when the address has answered an echo request; rejects otherwise, also when the signal says so. */
  ping(address: string, signal: AbortSignal): Promise<void>;
  /** Milliseconds since the Unix epoch. */
  wallTime(): number;
}

export class AliveChecks {
  readonly #options: AliveOptions;
  readonly #answeredAt = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(options: AliveOptions) {
    this.#options = options;
    for (const address of options.addresses) this.#answeredAt.set(address, 0);
    if (options.addresses.length === 0) return;
    this.#check();
    this.#timer = setInterval(() => this.#check(), options.intervalMs);
    this.#timer.unref();
  }

  #check(): void {
    const { addresses, intervalMs, ping, wallTime } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(intervalMs + GRACE_MS)]);
    for (const address of addresses) {
      ping(address, signal).then(
        () => this.#answeredAt.set(address, wallTime()),
        () => {},
      );
    }
  }

  /** Whether every address has answered lately. True without addresses. */
  get ready(): boolean {
    const oldest = this.#options.wallTime() - this.#options.intervalMs - GRACE_MS;
    return [...this.#answeredAt.values()].every((at) => at >= oldest);
  }

  /** By address: seconds since the Unix epoch at its last answer, 0 before the first. */
  times(): Record<string, number> {
    return Object.fromEntries([...this.#answeredAt].map(([address, at]) => [address, Math.floor(at / 1000)]));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }
}
