/** Counts who uses something that is kept for the next one, and tells when it has been nobody for a while. */
export class Uses {
  readonly #idleMs: number;
  readonly #idle: () => void;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(idleMs: number, idle: () => void) {
    this.#idleMs = idleMs;
    this.#idle = idle;
    this.#wait();
  }

  begin(): void {
    this.#count += 1;
    clearTimeout(this.#timer);
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#wait();
  }

  /** It is kept no more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(this.#idle, this.#idleMs);
    this.#timer.unref?.();
  }
}
