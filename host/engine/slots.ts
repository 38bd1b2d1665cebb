/**
 * Which slots of the core are taken. The lowest free one is given out first: the keys of the first slots are those that a
 * process may lock which may lock only a little, and what is in use stays close together in memory.
 */
export class Slots {
  /** 1 for each slot that is taken. */
  readonly #taken: Uint8Array;
  /** No slot below is free. */
  #lowest = 0;

  constructor(count: number) {
    this.#taken = new Uint8Array(count);
  }

  /** The lowest free slot, or −1. It is free until `take`. */
  get next(): number {
    return this.#taken.indexOf(0, this.#lowest);
  }

  take(slot: number): void {
    this.#taken[slot] = 1;
    if (slot === this.#lowest) this.#lowest += 1;
  }

  free(slot: number): void {
    this.#taken[slot] = 0;
    this.#lowest = Math.min(this.#lowest, slot);
  }
}
