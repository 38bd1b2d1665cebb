/** What is made once for several who wait for it. It is given up when nobody waits any more. */
export class Shared<T> {
  readonly #made: Promise<T>;
  readonly #unwanted = new AbortController();
  #waiting = 0;

  /** @param make with the signal that gives it up */
  constructor(make: (signal: AbortSignal) => Promise<T>) {
    this.#made = make(this.#unwanted.signal);
    // Who waits hears of it; perhaps nobody does.
    this.#made.catch(() => {});
  }

  /** Nobody waits: whoever comes has to begin anew. */
  get givenUp(): boolean {
    return this.#unwanted.signal.aborted;
  }

  /** @throws the signal's reason, whatever becomes of the others */
  wait(signal: AbortSignal | undefined): Promise<T> {
    this.#waiting += 1;
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting -= 1;
        signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        leave();
        if (this.#waiting === 0) this.#unwanted.abort();
        reject(signal?.reason);
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.#made.finally(leave).then(resolve, reject);
    });
  }
}
