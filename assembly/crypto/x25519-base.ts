/**
 * X25519 of the base point: public keys, by adding precomputed multiples instead of climbing a ladder.
 * On the Edwards form of the curve, with the scalar in 64 digits from -8 to 8: k B = sum of e(i) 16^i B. Each digit picks
 * one of eight points of a table and a sign; tables stand at every fourth digit, so the sum is made four times, with
 * four doublings between. Digits 0-31 go to the low lane, 32-63 to the high lane of every pair; one addition joins both.
 * Points are extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z (Hisil and others, "Twisted Edwards curves
 * revisited", 2008). The table is written by scripts/kernels/base-table.mjs.
 * Constant time: every digit reads its whole table. Memory: SCRATCH + SCRATCH_X25519, wiped before return.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { Element, FIELD_SCRATCH } from "./field-element";
import { invert } from "./field-inverse";
import { BASE_TABLE, ENTRY_BYTES, TABLE_BYTES, TWICE_D, WEIGHTS } from "./generated/base-table";
import { multiply, PAIR_BYTES, square } from "./generated/field-f64";

const P: usize = PAIR_BYTES;
const X: usize = SCRATCH_X25519 + FIELD_SCRATCH;
const Y: usize = X + P;
const Z: usize = Y + P;
const T: usize = Z + P;
// The point that a digit picked: y + x, y - x, 2dxy, in this order.
const PLUS: usize = T + P;
const MINUS: usize = PLUS + P;
const TWICE: usize = MINUS + P;
// The names of the published formulas.
const A: usize = TWICE + P;
const B: usize = A + P;
const C: usize = B + P;
const E: usize = C + P;
const F: usize = E + P;
const G: usize = F + P;
const H: usize = G + P;
const DIGITS: usize = H + P; // 64 i8
const BYTES: usize = DIGITS + 64; // 32 bytes
const END: usize = BYTES + 32;

const LANE_DIGITS = 32;
const SWEEPS = 4;
const LANE_TABLES = 8;

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
    const sizes = v128.shuffle<i32>(i32x4.splat(lowSize), i32x4.splat(highSize), 0, 4, 0, 4);
    const is1 = i32x4.eq(sizes, i32x4.splat(1));
    const is2 = i32x4.eq(sizes, i32x4.splat(2));
    const is3 = i32x4.eq(sizes, i32x4.splat(3));
    const is4 = i32x4.eq(sizes, i32x4.splat(4));
    const is5 = i32x4.eq(sizes, i32x4.splat(5));
    const is6 = i32x4.eq(sizes, i32x4.splat(6));
    const is7 = i32x4.eq(sizes, i32x4.splat(7));
    const is8 = i32x4.eq(sizes, i32x4.splat(8));
    for (let element = SCRATCH + PLUS; element < SCRATCH + A; element += P) {
      for (let i: usize = 0; i < 12; i += 2) {
        let words = v128.and(is1, v128.load(table));
        words = v128.or(words, v128.and(is2, v128.load(table, ENTRY_BYTES)));
        words = v128.or(words, v128.and(is3, v128.load(table, 2 * ENTRY_BYTES)));
        words = v128.or(words, v128.and(is4, v128.load(table, 3 * ENTRY_BYTES)));
        words = v128.or(words, v128.and(is5, v128.load(table, 4 * ENTRY_BYTES)));
        words = v128.or(words, v128.and(is6, v128.load(table, 5 * ENTRY_BYTES)));
        words = v128.or(words, v128.and(is7, v128.load(table, 6 * ENTRY_BYTES)));
        words = v128.or(words, v128.and(is8, v128.load(table, 7 * ENTRY_BYTES)));
        const next = v128.shuffle<i32>(words, words, 2, 3, 2, 3);
        const at = element + 16 * i;
        const weights = WEIGHTS + 8 * i;
        v128.store(at, f64x2.mul(f64x2.convert_low_i32x4_s(words), v128.load64_splat(weights)));
        v128.store(at, f64x2.mul(f64x2.convert_low_i32x4_s(next), v128.load64_splat(weights, 8)), 16);
        table += 16;
      }
    }
    // Digit 0 picked nothing: make it the neutral element, y + x = y - x = 1.
    const isZero = i32x4.eq(sizes, i32x4.splat(0));
    const one = v128.and(v128.shuffle<i32>(isZero, isZero, 0, 0, 1, 1), f64x2.splat(1));
    v128.store(SCRATCH + PLUS, v128.or(v128.load(SCRATCH + PLUS), one));
    v128.store(SCRATCH + MINUS, v128.or(v128.load(SCRATCH + MINUS), one));
    Digits.negate(v128.shuffle<i32>(i32x4.splat(lowSign), i32x4.splat(highSign), 0, 0, 4, 4));
  }

  /** Negate the picked points in the lanes of `mask`: x changes its sign. */
  @inline static negate(mask: v128): void {
    const sign = v128.and(mask, f64x2.splat(-0.0));
    for (let at = SCRATCH, end = SCRATCH + P; at < end; at += 16) {
      const plus = v128.load(at + PLUS);
      const minus = v128.load(at + MINUS);
      v128.store(at + PLUS, v128.bitselect(minus, plus, mask));
      v128.store(at + MINUS, v128.bitselect(plus, minus, mask));
      v128.store(at + TWICE, v128.xor(v128.load(at + TWICE), sign));
    }
  }
}

class Point {
  /** sum = a + b, difference = a - b, uncarried; the outputs may be the inputs. */
  static sumAndDifference(sum: usize, difference: usize, a: usize, b: usize): void {
    for (let i: usize = 0; i < P; i += 16) {
      const x = v128.load(a + i);
      const y = v128.load(b + i);
      v128.store(sum + i, f64x2.add(x, y));
      v128.store(difference + i, f64x2.sub(x, y));
    }
  }

  /** X, Y, Z, T += the picked point. */
  static add(): void {
    const base = SCRATCH;
    Point.sumAndDifference(base + B, base + A, base + Y, base + X);
    multiply(base + A, base + A, base + MINUS);
    multiply(base + B, base + B, base + PLUS);
    multiply(base + C, base + T, base + TWICE);
    Point.sumAndDifference(base + H, base + E, base + B, base + A);
    for (let at = base, end = base + P; at < end; at += 16) {
      const z = v128.load(at + Z);
      const c = v128.load(at + C);
      const d = f64x2.add(z, z);
      v128.store(at + F, f64x2.sub(d, c));
      v128.store(at + G, f64x2.add(d, c));
    }
    Point.projective();
    multiply(base + T, base + E, base + H);
  }

  @inline static projective(): void {
    multiply(SCRATCH + X, SCRATCH + E, SCRATCH + F);
    multiply(SCRATCH + Y, SCRATCH + G, SCRATCH + H);
    multiply(SCRATCH + Z, SCRATCH + F, SCRATCH + G);
  }

  /** X, Y, Z, T times 16. Only an addition needs T, so it is made once, at the end. */
  static doubleFourTimes(): void {
    const base = SCRATCH;
    for (let times = 0; times < 4; times++) {
      for (let at = base, end = base + P; at < end; at += 16) {
        v128.store(at + E, f64x2.add(v128.load(at + X), v128.load(at + Y)));
      }
      square(base + A, base + X);
      square(base + B, base + Y);
      square(base + C, base + Z);
      square(base + E, base + E);
      for (let at = base, end = base + P; at < end; at += 16) {
        const a = v128.load(at + A);
        const b = v128.load(at + B);
        const c = v128.load(at + C);
        const sum = f64x2.add(a, b);
        const g = f64x2.sub(b, a);
        v128.store(at + E, f64x2.sub(v128.load(at + E), sum));
        v128.store(at + G, g);
        v128.store(at + F, f64x2.sub(g, f64x2.add(c, c)));
        v128.store(at + H, f64x2.neg(sum));
      }
      Point.projective();
    }
    multiply(base + T, base + E, base + H);
  }

  /** F, H of the sum of both lanes' points: its y is H / F. The high lane's point moves to the picked one's place. */
  static join(): void {
    const base = SCRATCH;
    multiply(base + C, base + T, TWICE_D);
    for (let at = base, end = base + P; at < end; at += 16) {
      const x = v128.load(at + X);
      const y = v128.load(at + Y);
      const plus = f64x2.add(y, x);
      const minus = f64x2.sub(y, x);
      const z = v128.load(at + Z);
      const c = v128.load(at + C);
      v128.store(at + B, plus);
      v128.store(at + A, minus);
      v128.store(at + PLUS, v128.shuffle<i64>(plus, plus, 1, 0));
      v128.store(at + MINUS, v128.shuffle<i64>(minus, minus, 1, 0));
      v128.store(at + TWICE, v128.shuffle<i64>(c, c, 1, 0));
      v128.store(at + G, v128.shuffle<i64>(z, z, 1, 0));
    }
    multiply(base + A, base + A, base + MINUS);
    multiply(base + B, base + B, base + PLUS);
    multiply(base + C, base + T, base + TWICE);
    multiply(base + G, base + Z, base + G);
    for (let at = base, end = base + P; at < end; at += 16) {
      const z = v128.load(at + G);
      v128.store(at + F, f64x2.sub(f64x2.add(z, z), v128.load(at + C)));
      v128.store(at + H, f64x2.add(v128.load(at + B), v128.load(at + A)));
    }
  }
}

/** out = X25519(scalar, 9): the public key of a private key. The scalar is clamped here; out may be the scalar. */
export function x25519Base(out: usize, scalar: usize): void {
  const base = SCRATCH;
  Digits.recode(scalar);
  memory.fill(base + X, 0, 4 * P);
  v128.store(base + Y, f64x2.splat(1));
  v128.store(base + Z, f64x2.splat(1));
  for (let sweep = SWEEPS - 1; sweep >= 0; sweep--) {
    if (sweep < SWEEPS - 1) Point.doubleFourTimes();
    for (let t = 0; t < LANE_TABLES; t++) {
      const digit = base + DIGITS + SWEEPS * t + sweep;
      Digits.pick(BASE_TABLE + t * TABLE_BYTES, load<i8>(digit), load<i8>(digit + LANE_DIGITS));
      Point.add();
    }
  }
  Point.join();
  // u = (1 + y) / (1 - y), and y is not 1: a clamped scalar is no multiple of the base point's order.
  Point.sumAndDifference(base + A, base + B, base + F, base + H);
  Element.store(base + BYTES, base + B);
  invert(base + BYTES, base + BYTES);
  Element.load(base + B, base + BYTES);
  multiply(base + A, base + A, base + B);
  Element.store(out, base + A);
  memory.fill(base + SCRATCH_X25519, 0, END - SCRATCH_X25519);
}
