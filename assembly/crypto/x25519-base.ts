/**
 * X25519 of the base point: public keys, by adding precomputed multiples instead of climbing a ladder.
 * On the Edwards form of the curve, with the scalar in 64 digits from -8 to 8: k B = sum of e(i) 16^i B. Each digit picks
 * one of eight points of a table and a sign; tables stand at every fourth digit, so the sum is made four times, with
 * four doublings between. Digits 0-31 go to the low lane, 32-63 to the high lane of every pair; one addition joins both.
 * Constant time: every digit reads its whole table. Memory: SCRATCH + SCRATCH_X25519, wiped before return; the tables (base-table.ts).
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { BaseTable, TABLES } from "./base-table";
import { A, B, BEHIND_POINTS, F, H, MINUS, PLUS, Point, TWICE, X, Y, Z } from "./edwards";
import { Field, PAIR_BYTES } from "./field";
import { invert } from "./field-inverse";

const P: usize = PAIR_BYTES;
const DIGITS: usize = BEHIND_POINTS; // 64 i8
const BYTES: usize = DIGITS + 64; // 32 bytes
const END: usize = BYTES + 32;

const LANE_DIGITS = 32;
const SWEEPS = 4;

class Digits {
  /** Clamp the scalar and write it as 64 digits from -8 to 8. */
  static recode(scalar: usize): void {
    const digits = SCRATCH + DIGITS;
    for (let i = 0; i < 32; i++) {
      let byte = <u32>load<u8>(scalar + i);
      if (i === 0) byte &= 248;
      if (i === 31) byte = (byte & 127) | 64;
      store<u8>(digits + 2 * i, byte & 15);
      store<u8>(digits + 2 * i + 1, byte >> 4);
    }
    let carry = 0;
    for (let i = 0; i < 63; i++) {
      const digit = <i32>load<i8>(digits + i) + carry;
      carry = (digit + 8) >> 4;
      store<i8>(digits + i, <i8>(digit - (carry << 4)));
    }
    store<i8>(digits + 63, <i8>(<i32>load<i8>(digits + 63) + carry)); // at most 8: the scalar is below 2^255
  }

  /** PLUS, MINUS, TWICE = the multiples `low` and `high` of a table's points, one in each lane. */
  static pick(table: usize, low: i32, high: i32): void {
    const lowSign = low >> 31;
    const highSign = high >> 31;
    const lowSize = (low ^ lowSign) - lowSign;
    const highSize = (high ^ highSign) - highSign;
    const sizes = v128.shuffle<i32>(i32x4.splat(lowSize), i32x4.splat(highSize), 0, 0, 4, 4);
    const is1 = i32x4.eq(sizes, i32x4.splat(1));
    const is2 = i32x4.eq(sizes, i32x4.splat(2));
    const is3 = i32x4.eq(sizes, i32x4.splat(3));
    const is4 = i32x4.eq(sizes, i32x4.splat(4));
    const is5 = i32x4.eq(sizes, i32x4.splat(5));
    const is6 = i32x4.eq(sizes, i32x4.splat(6));
    const is7 = i32x4.eq(sizes, i32x4.splat(7));
    const is8 = i32x4.eq(sizes, i32x4.splat(8));
    const next = BaseTable.entryBytes;
    for (let element = SCRATCH + PLUS; element < SCRATCH + A; element += P) {
      for (let at = element, end = element + Field.bytes; at < end; at += 16) {
        let limb = v128.and(is1, v128.load(table));
        limb = v128.or(limb, v128.and(is2, v128.load(table + next)));
        limb = v128.or(limb, v128.and(is3, v128.load(table + 2 * next)));
        limb = v128.or(limb, v128.and(is4, v128.load(table + 3 * next)));
        limb = v128.or(limb, v128.and(is5, v128.load(table + 4 * next)));
        limb = v128.or(limb, v128.and(is6, v128.load(table + 5 * next)));
        limb = v128.or(limb, v128.and(is7, v128.load(table + 6 * next)));
        limb = v128.or(limb, v128.and(is8, v128.load(table + 7 * next)));
        v128.store(at, limb);
        table += 16;
      }
    }
    // Digit 0 picked nothing: make it the neutral element, y + x = y - x = 1.
    const one = v128.and(i32x4.eq(sizes, i32x4.splat(0)), f64x2.splat(1));
    v128.store(SCRATCH + PLUS, v128.or(v128.load(SCRATCH + PLUS), one));
    v128.store(SCRATCH + MINUS, v128.or(v128.load(SCRATCH + MINUS), one));
    Digits.negate(v128.shuffle<i32>(i32x4.splat(lowSign), i32x4.splat(highSign), 0, 0, 4, 4));
  }

  /** Negate the picked points in the lanes of `mask`: x changes its sign. */
  @inline static negate(mask: v128): void {
    const sign = v128.and(mask, f64x2.splat(-0.0));
    for (let at = SCRATCH, end = SCRATCH + Field.bytes; at < end; at += 16) {
      const plus = v128.load(at + PLUS);
      const minus = v128.load(at + MINUS);
      v128.store(at + PLUS, v128.bitselect(minus, plus, mask));
      v128.store(at + MINUS, v128.bitselect(plus, minus, mask));
      v128.store(at + TWICE, v128.xor(v128.load(at + TWICE), sign));
    }
  }
}

/** What of the scratch memory a multiple takes, from its start. */
export const MULTIPLE_BYTES: usize = END - SCRATCH_X25519;

/** A / B = X25519(scalar, 9), in the low lanes; B is settled, A a sum of two. B is not zero. The caller wipes. */
export function baseMultiple(scalar: usize): void {
  const base = SCRATCH;
  BaseTable.prepare();
  Point.begin();
  Digits.recode(scalar);
  memory.fill(base + X, 0, 4 * P);
  v128.store(base + Y, f64x2.splat(1));
  v128.store(base + Z, f64x2.splat(1));
  for (let sweep = SWEEPS - 1; sweep >= 0; sweep--) {
    if (sweep < SWEEPS - 1) Point.doubleFourTimes();
    for (let t = 0; t < TABLES; t++) {
      const digit = base + DIGITS + SWEEPS * t + sweep;
      Digits.pick(BaseTable.at(t), load<i8>(digit), load<i8>(digit + LANE_DIGITS));
      Point.add();
    }
  }
  Point.join();
  // u = (1 + y) / (1 - y), and y is not 1: a clamped scalar is no multiple of the base point's order.
  Point.sumAndDifference(base + A, base + B, base + F, base + H);
  Field.settle(base + B);
}

/** out = X25519(scalar, 9): the public key of a private key. The scalar is clamped here; out may be the scalar. */
export function x25519Base(out: usize, scalar: usize): void {
  const base = SCRATCH;
  baseMultiple(scalar);
  Field.store(base + BYTES, base + B);
  invert(base + BYTES, base + BYTES);
  Field.load(base + B, base + BYTES);
  Field.settle(base + B);
  Field.multiply(base + A, base + A, base + B);
  Field.store(out, base + A);
  memory.fill(base + SCRATCH_X25519, 0, END - SCRATCH_X25519);
}
