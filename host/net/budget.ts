/**
 * Memory of the whole network: payload that is queued, fragments, connections that peers made or began. Whoever keeps bytes that a peer sent, or
 * that a peer can make us keep, takes them from here first and gives them back. It is an account, not an allocator.
 */
export class MemoryBudget {
  readonly limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @returns false, with nothing taken, when that is more than is left */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /**
   * The most that one buffer should hold now: a part of what is left, so that however many are greedy, something stays for those that
   * come (Choudhury, Hahne: "Dynamic queue length thresholds", 1998).
   */
  get share(): number {
    return (this.limit - this.#taken) / 4;
  }

  /** Share in use, 0 to 1. */
  get pressure(): number {
    return this.#taken / this.limit;
  }
}
