/**
 * Field elements modulo 2^255 - 19 at the border: 32 bytes, little-endian, to and from one lane of a pair of elements
 * (12 limbs of f64 with their weights, see scripts/kernels/field-f64.mjs).
 * Memory: `store` leaves the value in SCRATCH + SCRATCH_X25519, which the caller wipes.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";

const LIMBS = 12;
const WORDS: usize = SCRATCH_X25519; // 12 i64
/** What the conversions take of SCRATCH_X25519, from its start. */
export const FIELD_SCRATCH: usize = 96;

/** Conversions between 32 bytes, little-endian, and one lane of a pair. */
export class Element {
  /** Weight of limb i: 2^exponent(i). */
  @inline static exponent(i: i32): i32 {
    return (85 * i + 3) >> 2;
  }

  @inline static powerOfTwo(e: i32): f64 {
    return reinterpret<f64>((<u64>(1023 + e)) << 52);
  }

  /** Bit 255 is ignored; values from p to 2^255 - 1 are taken as they are, which counts modulo p. */
  static load(lane: usize, bytes: usize): void {
    for (let i = 0; i < LIMBS; i++) {
      store<f64>(lane + 16 * i, <f64>Element.limb(bytes, i) * Element.powerOfTwo(Element.exponent(i)));
    }
  }

  /** Limb i of 32 bytes, without its weight. */
  @inline static limb(bytes: usize, i: i32): u32 {
    const from = Element.exponent(i);
    const bits = Element.exponent(i + 1) - from;
    const byte = min(from >> 3, 28);
    return (load<u32>(bytes + byte) >> (from - 8 * byte)) & ((1 << bits) - 1);
  }

  /** Write the canonical value, below p. */
  static store(bytes: usize, lane: usize): void {
    const words = SCRATCH + WORDS;
    for (let i = 0; i < LIMBS; i++) {
      store<i64>(words + 8 * i, <i64>(load<f64>(lane + 16 * i) * Element.powerOfTwo(-Element.exponent(i))));
    }
    // Three passes leave every limb in range, with a value from 0 to 2^255 - 1.
    for (let pass = 0; pass < 3; pass++) Element.propagate(words, 0, 19);
    // Adding 19 carries out of bit 255 just when the value is at least p; then subtract p by adding 19 and dropping the bit.
    let carry: i64 = 19;
    for (let i = 0; i < LIMBS; i++) {
      carry = (load<i64>(words + 8 * i) + carry) >> (Element.exponent(i + 1) - Element.exponent(i));
    }
    Element.propagate(words, 19 * carry, 0);
    let bits: u64 = 0,
      filled = 0,
      out = bytes;
    for (let i = 0; i < LIMBS; i++) {
      const word = load<u64>(words + 8 * i);
      bits |= word << filled;
      filled += Element.exponent(i + 1) - Element.exponent(i);
      if (filled >= 64) {
        store<u64>(out, bits);
        out += 8;
        filled -= 64;
        bits = word >> (Element.exponent(i + 1) - Element.exponent(i) - filled);
      }
    }
    store<u64>(out, bits);
  }

  /** Carry through all limbs, starting with `carry`; what leaves the last returns to the first, times `wrap`. */
  static propagate(words: usize, carry: i64, wrap: i64): void {
    for (let i = 0; i < LIMBS; i++) {
      const width = Element.exponent(i + 1) - Element.exponent(i);
      const limb = load<i64>(words + 8 * i) + carry;
      carry = limb >> width;
      store<i64>(words + 8 * i, limb - (carry << width));
    }
    store<i64>(words, load<i64>(words) + carry * wrap);
  }
}
