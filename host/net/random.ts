/** Random numbers from the bytes that are handed in: initial sequence numbers' key, ports, identifiers. */
const POOL_WORDS = 64;

export class RandomSource {
  readonly #fill: (into: Uint8Array) => void;
  readonly #pool = new Uint32Array(POOL_WORDS);
  #left = 0;

  /** @param fill from a cryptographic source */
  constructor(fill: (into: Uint8Array) => void) {
    this.#fill = fill;
  }

  /** 32 random bits, unsigned. */
  word(): number {
    if (this.#left === 0) {
      this.#fill(new Uint8Array(this.#pool.buffer));
      this.#left = POOL_WORDS;
    }
    this.#left -= 1;
    const word = this.#pool[this.#left]!;
    this.#pool[this.#left] = 0;
    return word;
  }

  /** An integer from 0 to `limit` − 1, evenly but for 2^-32 × limit. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#fill(bytes);
    return bytes;
  }
}
