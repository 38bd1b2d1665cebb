/**
 * Multiples of a point that is known ahead, by adding up multiples from tables (comb-table.ts) instead of climbing a ladder: as in Lim and Lee,
 * "More flexible exponentiation with precomputation" (1994).
 * A clamped scalar k is a multiple of 8: k times the point is e Q, where e = k / 8 counts modulo the order of Q, which is odd, as it adds to e where
 * that is even. An odd e is the sum of 256 digits s(i) 2^i, each 1 or -1: so no digit is zero, and every entry is one of eight or its negative.
 * Digit 128 l + 32 j + r is tooth j of lane l at place r.
 * Constant time: every step reads its whole table. Memory: SCRATCH + SCRATCH_X25519; the caller wipes it.
 */
import { SCRATCH } from "../memory/scratch";
import { CombTable, ELEMENTS, TOOTH_DISTANCE } from "./comb-table";
import { BEHIND_POINTS, PLUS, Point } from "./edwards";
import { Field, PAIR_BYTES } from "./field";

const P: usize = PAIR_BYTES;
const DIGITS: usize = BEHIND_POINTS;
/** Digits of a scalar: 256 bits, 1 for 1, 0 for -1. */
export const DIGITS_BYTES: usize = 32;
/** From those of a lane, or of half a scalar, to the others. */
export const LANE_DIGITS: usize = 16;
/** What a multiple takes, from the start of SCRATCH_X25519. */
export const MULTIPLE_END: usize = DIGITS + DIGITS_BYTES;

/** The order of Q, 2^252 + 27742317777372353535851937790883648493, from its lowest word. */
const ORDER_0: u64 = 0x5812631a5cf5d3ed;
const ORDER_1: u64 = 0x14def9dea2f79cd6;
const ORDER_3: u64 = 0x1000000000000000;

export class Digits {
  /** The carry of a + b, where that is `sum`. */
  @inline private static carry(a: u64, b: u64, sum: u64): u64 {
    return ((a & b) | ((a | b) & ~sum)) >> 63;
  }

  /** Clamp the scalar and write its digits to scratch memory: e / 2, and the last digit, which is 1. */
  static recode(to: usize, scalar: usize): void {
    const k0 = load<u64>(scalar);
    const k1 = load<u64>(scalar, 8);
    const k2 = load<u64>(scalar, 16);
    const k3 = (load<u64>(scalar, 24) & 0x7fffffffffffffff) | 0x4000000000000000;
    const e0 = (k0 >> 3) | (k1 << 61);
    const e1 = (k1 >> 3) | (k2 << 61);
    const e2 = (k2 >> 3) | (k3 << 61);
    const e3 = k3 >> 3;
    const even = (e0 & 1) - 1;
    const s0 = e0 + (ORDER_0 & even);
    const c0 = Digits.carry(e0, ORDER_0 & even, s0);
    const s1 = e1 + (ORDER_1 & even) + c0;
    const c1 = Digits.carry(e1, ORDER_1 & even, s1);
    const s2 = e2 + c1;
    const c2 = Digits.carry(e2, 0, s2);
    const s3 = e3 + (ORDER_3 & even) + c2;
    const digits = SCRATCH + to;
    store<u64>(digits, (s0 >> 1) | (s1 << 63));
    store<u64>(digits, (s1 >> 1) | (s2 << 63), 8);
    store<u64>(digits, (s2 >> 1) | (s3 << 63), 16);
    store<u64>(digits, (s3 >> 1) | 0x8000000000000000, 24);
  }

  /** The teeth at a place, as the lowest bits. @param digits  of one lane, in scratch memory */
  @inline static teeth(digits: usize, place: i32): i32 {
    return i32x4.bitmask(i32x4.shl(v128.load(SCRATCH + digits), TOOTH_DISTANCE - 1 - place));
  }
}

/**
 * PLUS, MINUS, TWICE, and what else an entry has = what the digits at a place say, one for each lane.
 * @param elements  of an entry  @param low,high  the digits of each lane, in scratch memory
 */
export function pick(table: usize, elements: usize, low: usize, high: usize, place: i32): void {
  const lowTeeth = Digits.teeth(low, place);
  const highTeeth = Digits.teeth(high, place);
  const signs = v128.shuffle<i32>(i32x4.splat((lowTeeth >> 3) - 1), i32x4.splat((highTeeth >> 3) - 1), 0, 0, 4, 4);
  const teeth = v128.shuffle<i32>(i32x4.splat(lowTeeth), i32x4.splat(highTeeth), 0, 0, 4, 4);
  const numbers = v128.and(v128.xor(teeth, signs), i32x4.splat(7));
  const is0 = i32x4.eq(numbers, i32x4.splat(0));
  const is1 = i32x4.eq(numbers, i32x4.splat(1));
  const is2 = i32x4.eq(numbers, i32x4.splat(2));
  const is3 = i32x4.eq(numbers, i32x4.splat(3));
  const is4 = i32x4.eq(numbers, i32x4.splat(4));
  const is5 = i32x4.eq(numbers, i32x4.splat(5));
  const is6 = i32x4.eq(numbers, i32x4.splat(6));
  const is7 = i32x4.eq(numbers, i32x4.splat(7));
  const next = elements * Field.bytes;
  for (let element = SCRATCH + PLUS; element < SCRATCH + PLUS + P * elements; element += P) {
    for (let at = element, end = element + Field.bytes; at < end; at += 16) {
      let limb = v128.and(is0, v128.load(table));
      limb = v128.or(limb, v128.and(is1, v128.load(table + next)));
      limb = v128.or(limb, v128.and(is2, v128.load(table + 2 * next)));
      limb = v128.or(limb, v128.and(is3, v128.load(table + 3 * next)));
      limb = v128.or(limb, v128.and(is4, v128.load(table + 4 * next)));
      limb = v128.or(limb, v128.and(is5, v128.load(table + 5 * next)));
      limb = v128.or(limb, v128.and(is6, v128.load(table + 6 * next)));
      limb = v128.or(limb, v128.and(is7, v128.load(table + 7 * next)));
      v128.store(at, limb);
      table += 16;
    }
  }
  Point.negateAddend(signs);
}

/**
 * A / B = X25519 of the scalar and the point that the tables are of, in both lanes; A is a sum of two, B is settled. The scalar is 32 bytes and clamped here.
 * B is not zero: no clamped scalar is a multiple of the order of Q.
 */
export function combMultiple(count: i32, tables: usize, scalar: usize): void {
  Point.beginWithNone();
  Digits.recode(DIGITS, scalar);
  const places = TOOTH_DISTANCE / count;
  for (let place = places - 1; place >= 0; place--) {
    if (place < places - 1) Point.double(1);
    for (let t = 0; t < count; t++) {
      pick(tables + CombTable.bytes * t, ELEMENTS, DIGITS, DIGITS + LANE_DIGITS, places * t + place);
      Point.add();
    }
  }
  Point.join();
  Point.toRatio();
}
