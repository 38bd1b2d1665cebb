/**
 * Points on the Edwards form of the curve (RFC 7748 section 4.1), two at a time, one in each lane of every pair: extended coordinates
 * X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z (Hisil and others, "Twisted Edwards curves revisited", 2008).
 * What is added is kept as y + x, y - x, 2dxy; where its Z is not 1 all three times Z, and Z.
 * Memory: the pairs named here, in SCRATCH + SCRATCH_X25519; whoever uses them wipes them.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { Field, PAIR_BYTES } from "./field";
import { FIELD_SCRATCH } from "./field-element";
import { TWICE_D as TWICE_D_BYTES } from "./generated/edwards";

const P: usize = PAIR_BYTES;
export const X: usize = SCRATCH_X25519 + FIELD_SCRATCH;
export const Y: usize = X + P;
export const Z: usize = Y + P;
export const T: usize = Z + P;
// The point that is to be added: y + x, y - x, 2dxy, in this order, and Z.
export const PLUS: usize = T + P;
export const MINUS: usize = PLUS + P;
export const TWICE: usize = MINUS + P;
export const OTHER_Z: usize = TWICE + P;
/** What a point takes, and what is to be added. */
export const POINT_BYTES: usize = 4 * P;
// The names of the published formulas.
export const A: usize = OTHER_Z + P;
export const B: usize = A + P;
export const C: usize = B + P;
export const E: usize = C + P;
export const F: usize = E + P;
export const G: usize = F + P;
export const H: usize = G + P;
export const TWICE_D: usize = H + P; // 2d in both lanes, by Point.begin
/** Behind the points, for whoever computes with them. */
export const BEHIND_POINTS: usize = TWICE_D + P;

/** Arithmetic on pairs in scratch memory, by their offsets there: smaller where it is called than Field's, for what is done seldom. */
export class Pairs {
  static multiply(out: usize, a: usize, b: usize): void {
    Field.multiply(SCRATCH + out, SCRATCH + a, SCRATCH + b);
  }
  static square(out: usize, a: usize): void {
    Field.square(SCRATCH + out, SCRATCH + a);
  }
  static settle(a: usize): void {
    Field.settle(SCRATCH + a);
  }
}

export class Point {
  /** To be called before anything else here. */
  static begin(): void {
    Field.load(SCRATCH + TWICE_D, TWICE_D_BYTES);
    Field.load(SCRATCH + TWICE_D + 8, TWICE_D_BYTES);
  }

  /** The same, and X, Y, Z, T = the neutral point in both lanes. */
  static beginWithNone(): void {
    Point.begin();
    memory.fill(SCRATCH + X, 0, POINT_BYTES);
    v128.store(SCRATCH + Y, f64x2.splat(1));
    v128.store(SCRATCH + Z, f64x2.splat(1));
  }

  /** A / B = u on the curve: A is a sum of two, B is settled. */
  static toRatio(): void {
    // u = (1 + y) / (1 - y)
    Point.sumAndDifference(SCRATCH + A, SCRATCH + B, SCRATCH + Z, SCRATCH + Y);
    Pairs.settle(B);
  }

  /** sum = a + b, difference = a - b, uncarried; the outputs may be the inputs. */
  static sumAndDifference(sum: usize, difference: usize, a: usize, b: usize): void {
    for (let i: usize = 0; i < Field.bytes; i += 16) {
      const x = v128.load(a + i);
      const y = v128.load(b + i);
      v128.store(sum + i, f64x2.add(x, y));
      v128.store(difference + i, f64x2.sub(x, y));
    }
  }

  /** X, Y, Z, T += the point in PLUS, MINUS, TWICE, of which Z is 1. */
  static add(): void {
    Point.addLast();
    Field.multiply(SCRATCH + T, SCRATCH + E, SCRATCH + H);
  }

  /** The same where no addition comes next, so that T is not made. */
  static addLast(): void {
    const base = SCRATCH;
    Point.sumAndDifference(base + B, base + A, base + Y, base + X);
    Field.multiply(base + A, base + A, base + MINUS);
    Field.multiply(base + B, base + B, base + PLUS);
    Field.multiply(base + C, base + T, base + TWICE);
    Point.sumAndDifference(base + H, base + E, base + B, base + A);
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      const z = v128.load(at + Z);
      const c = v128.load(at + C);
      const d = f64x2.add(z, z);
      v128.store(at + F, f64x2.sub(d, c));
      v128.store(at + G, f64x2.add(d, c));
    }
    Point.projective();
  }

  /** X, Y, Z of E, F, G, H, of which the last is a sum of two. */
  @inline static projective(): void {
    Field.settle(SCRATCH + E);
    Field.settle(SCRATCH + F);
    Field.settle(SCRATCH + G);
    Field.multiply(SCRATCH + X, SCRATCH + E, SCRATCH + F);
    Field.multiply(SCRATCH + Y, SCRATCH + G, SCRATCH + H);
    Field.multiply(SCRATCH + Z, SCRATCH + F, SCRATCH + G);
  }

  /** X, Y, Z, T += the point in PLUS, MINUS, TWICE, OTHER_Z. */
  static addProjective(): void {
    Point.scaleToAddend();
    Point.add();
  }

  /** Before a point of which Z is not 1 is added. */
  static scaleToAddend(): void {
    Field.multiply(SCRATCH + Z, SCRATCH + Z, SCRATCH + OTHER_Z);
  }

  /** PLUS, MINUS, TWICE, OTHER_Z = X, Y, Z, T. */
  static toAddend(): void {
    const base = SCRATCH;
    Point.sumAndDifference(base + PLUS, base + MINUS, base + Y, base + X);
    Field.settle(base + PLUS);
    Field.settle(base + MINUS);
    Field.multiply(base + TWICE, base + T, base + TWICE_D);
    memory.copy(base + OTHER_Z, base + Z, P);
  }

  /** Negate what is to be added in the lanes of `mask`: x changes its sign. */
  static negateAddend(mask: v128): void {
    const sign = v128.and(mask, f64x2.splat(-0.0));
    for (let at = SCRATCH, end = SCRATCH + Field.bytes; at < end; at += 16) {
      const plus = v128.load(at + PLUS);
      const minus = v128.load(at + MINUS);
      v128.store(at + PLUS, v128.bitselect(minus, plus, mask));
      v128.store(at + MINUS, v128.bitselect(plus, minus, mask));
      v128.store(at + TWICE, v128.xor(v128.load(at + TWICE), sign));
    }
  }

  /** X, Y, Z, T doubled so many times. Only an addition needs T, so it is made once, at the end. */
  static double(times: i32): void {
    const base = SCRATCH;
    for (; times > 0; times--) {
      for (let at = base, end = base + Field.bytes; at < end; at += 16) {
        v128.store(at + E, f64x2.add(v128.load(at + X), v128.load(at + Y)));
      }
      Field.settle(base + E);
      Field.square(base + A, base + X);
      Field.square(base + B, base + Y);
      Field.square(base + C, base + Z);
      Field.square(base + E, base + E);
      for (let at = base, end = base + Field.bytes; at < end; at += 16) {
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
    Field.multiply(base + T, base + E, base + H);
  }

  /** The sum of both lanes' points, in both lanes. */
  static join(): void {
    Point.toAddend();
    for (let at = SCRATCH + PLUS, end = SCRATCH + PLUS + POINT_BYTES; at < end; at += 16) {
      const pair = v128.load(at);
      v128.store(at, v128.shuffle<i64>(pair, pair, 1, 0));
    }
    Point.addProjective();
  }
}
