/**
 * Multiples of two points by combs (comb.ts), one in each lane, so that none is idle and no lanes are joined: in three quarters of the time of
 * one after the other.
 * Constant time: as comb.ts. Memory: SCRATCH + SCRATCH_X25519; the caller wipes it.
 */
import { SCRATCH } from "../memory/scratch";
import { DIGITS_BYTES, Digits, LANE_DIGITS, pick } from "./comb";
import { ELEMENTS, TOOTH_DISTANCE } from "./comb-table";
import { A, B, BEHIND_POINTS, C, Pairs, PLUS, Point } from "./edwards";
import { Field, PAIR_BYTES } from "./field";
import { Inverse } from "./field-quotient";

const P: usize = PAIR_BYTES;
/** Of the first scalar, and of the other. */
export const DIGITS: usize = BEHIND_POINTS;
export const OTHER_DIGITS: usize = DIGITS + DIGITS_BYTES;
const HALVES: usize = OTHER_DIGITS + DIGITS_BYTES; // an entry
/** What two multiples take, from the start of SCRATCH_X25519. */
export const MULTIPLES_END: usize = HALVES + P * ELEMENTS;

/** Sums of two points with digits of their own. */
export class Sums {
  static begin(scalar: usize, otherScalar: usize): void {
    Point.beginWithNone();
    Digits.recode(DIGITS, scalar);
    Digits.recode(OTHER_DIGITS, otherScalar);
  }

  /**
   * X25519 of both, to be divided still: the divisor, carried, is the product of both lanes' and not zero, as no clamped scalar is a multiple of the order of Q.
   * One inversion of it, as of what is the same in both lanes, then serves both.
   */
  static finish(dividend: usize, divisor: usize): void {
    Point.toRatio();
    Inverse.swapLanes(SCRATCH + C, SCRATCH + B);
    Pairs.multiply(dividend, A, C);
    Pairs.multiply(divisor, B, C);
  }
}

/** [low of what `pick` took | low of PLUS, MINUS, TWICE], and of the high lanes the same. The first is what is to be added first. */
function exchange(): void {
  for (let i: usize = 0; i < P * ELEMENTS; i += P) {
    for (let at = SCRATCH + i, end = at + Field.bytes; at < end; at += 16) {
      const one = v128.load(at + HALVES);
      const other = v128.load(at + PLUS);
      v128.store(at + PLUS, v128.shuffle<i64>(one, other, 0, 2));
      v128.store(at + HALVES, v128.shuffle<i64>(one, other, 1, 3));
    }
  }
}

/** Multiples of two points of which there are tables, each as CombTable has it. @param dividend,divisor  pairs in scratch memory, as Sums.finish leaves them */
export function combMultiples(
  dividend: usize,
  divisor: usize,
  scalar: usize,
  otherScalar: usize,
  comb: usize,
  otherComb: usize,
): void {
  Sums.begin(scalar, otherScalar);
  for (let place = TOOTH_DISTANCE - 1; place >= 0; place--) {
    if (place < TOOTH_DISTANCE - 1) Point.double(1);
    pick(comb, ELEMENTS, DIGITS, DIGITS + LANE_DIGITS, place);
    memory.copy(SCRATCH + HALVES, SCRATCH + PLUS, P * ELEMENTS);
    pick(otherComb, ELEMENTS, OTHER_DIGITS, OTHER_DIGITS + LANE_DIGITS, place);
    exchange();
    Point.add();
    memory.copy(SCRATCH + PLUS, SCRATCH + HALVES, P * ELEMENTS);
    Point.addLast();
  }
  Sums.finish(dividend, divisor);
}
