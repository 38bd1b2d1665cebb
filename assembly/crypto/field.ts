/**
 * Arithmetic modulo p = 2^255 - 19 for the ladders, on pairs of elements: by generated/field-fma.ts, which takes little more than half
 * the time, where this machine and this engine fuse multiply-add, elsewhere by generated/field-f64.ts.
 * Memory: a pair takes up to PAIR_BYTES; `store` leaves the value in SCRATCH + SCRATCH_X25519, which the caller wipes.
 */
import { Element } from "./field-element";
import * as twelve from "./generated/field-f64";
import * as five from "./generated/field-fma";

/** Room for a pair. */
export const PAIR_BYTES: usize = twelve.PAIR_BYTES;
const LIMB_BITS: u64 = 51;
const LIMB_MASK: u64 = ((<u64>1) << LIMB_BITS) - 1;

/** 1 + 2^-30: its square has a last bit that multiplying alone rounds away. In memory, or the compiler would compute with it. */
const PROBE = memory.data<f64>([1.000000000931322574615478515625, 1.000000000931322574615478515625], 16);

function fusesMultiplyAdd(): bool {
  if (!ASC_FEATURE_RELAXED_SIMD) return false;
  const x = v128.load(PROBE);
  return v128.any_true(f64x2.relaxed_madd(x, x, f64x2.neg(f64x2.mul(x, x))));
}
const fused: bool = fusesMultiplyAdd();

export class Field {
  /** Elements have five limbs, as in generated/field-fma.ts. */
  @inline static get inFive(): bool {
    return ASC_FEATURE_RELAXED_SIMD ? fused : false;
  }

  /** Bytes of a pair that are in use. */
  @inline static get bytes(): usize {
    return Field.inFive ? five.PAIR_BYTES : twelve.PAIR_BYTES;
  }

  /** out = a · b; out may be a. One of them may be a sum of two, and where the other is settled both. */
  @inline static multiply(out: usize, a: usize, b: usize): void {
    if (Field.inFive) five.multiply(out, a, b);
    else twelve.multiply(out, a, b);
  }

  /** out = a²; out may be a, which is no sum unless it is settled. */
  @inline static square(out: usize, a: usize): void {
    if (Field.inFive) five.square(out, a);
    else twelve.square(out, a);
  }

  /** out = a + factor · b; b may be a sum of two. */
  @inline static addScaled(out: usize, a: usize, factor: f64, b: usize): void {
    if (Field.inFive) five.addScaled(out, a, factor, b);
    else twelve.addScaled(out, a, factor, b);
  }

  /** Make a sum of up to four what may be squared, and multiplied by a sum of two. */
  @inline static settle(a: usize): void {
    if (Field.inFive) five.settle(a);
  }

  /** 32 bytes, little-endian, to one lane. Bit 255 is ignored; values from p to 2^255 - 1 count modulo p. */
  static load(lane: usize, bytes: usize): void {
    if (!Field.inFive) return Element.load(lane, bytes);
    const first = load<u64>(bytes);
    const second = load<u64>(bytes, 8);
    const third = load<u64>(bytes, 16);
    const fourth = load<u64>(bytes, 24);
    store<f64>(lane, <f64>(first & LIMB_MASK));
    store<f64>(lane, <f64>(((first >> 51) | (second << 13)) & LIMB_MASK), 16);
    store<f64>(lane, <f64>(((second >> 38) | (third << 26)) & LIMB_MASK), 32);
    store<f64>(lane, <f64>(((third >> 25) | (fourth << 39)) & LIMB_MASK), 48);
    store<f64>(lane, <f64>((fourth >> 12) & LIMB_MASK), 64);
  }

  /** One lane to 32 bytes: the canonical value, below p. */
  static store(bytes: usize, lane: usize): void {
    if (Field.inFive) Limbs.store(bytes, lane);
    else Element.store(bytes, lane);
  }
}

/** Five limbs as integers. They are in these variables between calls of `store`'s parts only. */
class Limbs {
  @inline private static read(lane: usize, i: usize): i64 {
    return <i64>load<f64>(lane + 16 * i);
  }

  static store(bytes: usize, lane: usize): void {
    let a = Limbs.read(lane, 0),
      b = Limbs.read(lane, 1),
      c = Limbs.read(lane, 2),
      d = Limbs.read(lane, 3),
      e = Limbs.read(lane, 4);
    // The first pass leaves at most one to carry or to borrow; the second one ends with a value from 0 to 2^255 - 1.
    for (let pass = 0; pass < 2; pass++) {
      b += a >> LIMB_BITS;
      a &= LIMB_MASK;
      c += b >> LIMB_BITS;
      b &= LIMB_MASK;
      d += c >> LIMB_BITS;
      c &= LIMB_MASK;
      e += d >> LIMB_BITS;
      d &= LIMB_MASK;
      a += 19 * (e >> LIMB_BITS);
      e &= LIMB_MASK;
    }
    // Adding 19 carries out of bit 255 just when the value is at least p; then subtract p by adding 19 and dropping the bit.
    let carry = (a + 19) >> LIMB_BITS;
    carry = (b + carry) >> LIMB_BITS;
    carry = (c + carry) >> LIMB_BITS;
    carry = (d + carry) >> LIMB_BITS;
    carry = (e + carry) >> LIMB_BITS;
    a += 19 * carry;
    b += a >> LIMB_BITS;
    c += b >> LIMB_BITS;
    d += c >> LIMB_BITS;
    e += d >> LIMB_BITS;
    a &= LIMB_MASK;
    b &= LIMB_MASK;
    c &= LIMB_MASK;
    d &= LIMB_MASK;
    e &= LIMB_MASK;
    store<u64>(bytes, a | (b << 51));
    store<u64>(bytes, (b >> 13) | (c << 38), 8);
    store<u64>(bytes, (c >> 26) | (d << 25), 16);
    store<u64>(bytes, (d >> 39) | (e << 12), 24);
  }
}
