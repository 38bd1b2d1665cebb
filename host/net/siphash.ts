/**
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) over 32-bit words: the keyed hash behind initial
 * sequence numbers (RFC 6528), port offsets (RFC 6056), SYN cookies and the buckets of tables, so that no peer can foresee them.
 * 64-bit lanes are pairs of 32-bit halves; there is no BigInt. Messages are whole words, hashed as their little-endian bytes.
 */
export class SipHash {
  readonly #k0: number;
  readonly #k1: number;
  readonly #k2: number;
  readonly #k3: number;
  // The four lanes: high and low halves.
  #h0 = 0;
  #l0 = 0;
  #h1 = 0;
  #l1 = 0;
  #h2 = 0;
  #l2 = 0;
  #h3 = 0;
  #l3 = 0;

  /** @param key 16 random bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, 16);
    this.#k0 = view.getInt32(0, true);
    this.#k1 = view.getInt32(4, true);
    this.#k2 = view.getInt32(8, true);
    this.#k3 = view.getInt32(12, true);
  }

  /** Low half of the hash of `count` words. @returns signed 32 bits */
  hash(words: Int32Array, count: number): number {
    this.#l0 = this.#k0 ^ 0x70736575;
    this.#h0 = this.#k1 ^ 0x736f6d65;
    this.#l1 = this.#k2 ^ 0x6e646f6d;
    this.#h1 = this.#k3 ^ 0x646f7261;
    this.#l2 = this.#k0 ^ 0x6e657261;
    this.#h2 = this.#k1 ^ 0x6c796765;
    this.#l3 = this.#k2 ^ 0x79746573;
    this.#h3 = this.#k3 ^ 0x74656462;
    let i = 0;
    for (; i + 1 < count; i += 2) this.#absorb(words[i]!, words[i + 1]!);
    // The last block: a word that is left over, and the length in the highest byte.
    const length = (count * 4) << 24;
    this.#absorb(i < count ? words[i]! : 0, length);
    this.#l2 ^= 0xff;
    for (let round = 0; round < 4; round++) this.#round();
    return this.#l0 ^ this.#l1 ^ this.#l2 ^ this.#l3;
  }

  /** High half of the hash that `hash` computed last. */
  get high(): number {
    return this.#h0 ^ this.#h1 ^ this.#h2 ^ this.#h3;
  }

  #absorb(low: number, high: number): void {
    this.#l3 ^= low;
    this.#h3 ^= high;
    this.#round();
    this.#round();
    this.#l0 ^= low;
    this.#h0 ^= high;
  }

  #round(): void {
    let l0 = this.#l0;
    let h0 = this.#h0;
    let l1 = this.#l1;
    let h1 = this.#h1;
    let l2 = this.#l2;
    let h2 = this.#h2;
    let l3 = this.#l3;
    let h3 = this.#h3;
    let sum = (l0 >>> 0) + (l1 >>> 0);
    h0 = (h0 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l0 = sum | 0;
    let swap = (l1 << 13) | (h1 >>> 19);
    h1 = (h1 << 13) | (l1 >>> 19);
    l1 = swap ^ l0;
    h1 ^= h0;
    swap = l0;
    l0 = h0;
    h0 = swap;

    sum = (l2 >>> 0) + (l3 >>> 0);
    h2 = (h2 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l2 = sum | 0;
    swap = (l3 << 16) | (h3 >>> 16);
    h3 = (h3 << 16) | (l3 >>> 16);
    l3 = swap ^ l2;
    h3 ^= h2;

    sum = (l0 >>> 0) + (l3 >>> 0);
    h0 = (h0 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l0 = sum | 0;
    swap = (l3 << 21) | (h3 >>> 11);
    h3 = (h3 << 21) | (l3 >>> 11);
    l3 = swap ^ l0;
    h3 ^= h0;

    sum = (l2 >>> 0) + (l1 >>> 0);
    h2 = (h2 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l2 = sum | 0;
    swap = (l1 << 17) | (h1 >>> 15);
    h1 = (h1 << 17) | (l1 >>> 15);
    l1 = swap ^ l2;
    h1 ^= h2;
    swap = l2;
    l2 = h2;
    h2 = swap;

    this.#l0 = l0;
    this.#h0 = h0;
    this.#l1 = l1;
    this.#h1 = h1;
    this.#l2 = l2;
    this.#h2 = h2;
    this.#l3 = l3;
    this.#h3 = h3;
  }
}
