/**
 * What an answer to an initiation takes of X25519: the public key of our fresh scalar, and its results with two points, of which the first is
 * fresh too and the second has been known for long. Where there are tables, of the second (comb-table.ts), and for two answers of the first ones
 * (comb-fresh.ts), no ladder is climbed for these. For two answers it is done together, with one inversion for all. What one point does harms the others' results in nothing.
 * Memory: works in SCRATCH + SCRATCH_X25519 and wipes it before return.
 * Constant time: branches and addresses depend on which points have a table, and on nothing else.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { combMultiple, MULTIPLE_END } from "./comb";
import { freshMultiples } from "./comb-fresh";
import { combMultiples, MULTIPLES_END } from "./comb-pairs";
import { A, B } from "./edwards";
import { Field, PAIR_BYTES } from "./field";
import { INVERSE, Inverse } from "./field-quotient";
import { x25519 } from "./x25519";
import { baseMultiple } from "./x25519-base";
import { Ladders, x25519Both } from "./x25519-both";
import { BEHIND_LADDERS, FourLadders } from "./x25519-four";

const P: usize = PAIR_BYTES;

const NUMERATORS: usize = BEHIND_LADDERS; // of multiples by tables
const VALUES: usize = NUMERATORS + 4 * P; // to be inverted: the multiples' denominators, then what the ladders have
const PRODUCTS: usize = VALUES + 4 * P;
const END: usize = PRODUCTS + 4 * P;
if (END > INVERSE || MULTIPLE_END > NUMERATORS || MULTIPLES_END > NUMERATORS) ERROR("memory of answers overlaps");

class Values {
  @inline static at(i: usize): usize {
    return SCRATCH + VALUES + P * i;
  }

  static invert(count: i32): void {
    Inverse.ofAll(Values.at(0), count, SCRATCH + PRODUCTS);
  }
}

/** Multiples by tables, numbered: quotients until the values are inverted. */
class Multiple {
  @inline private static at(i: usize): usize {
    return SCRATCH + NUMERATORS + P * i;
  }

  private static keep(i: usize): void {
    memory.copy(Multiple.at(i), SCRATCH + A, P);
    memory.copy(Values.at(i), SCRATCH + B, P);
  }

  /** The first of these comes before all else: making the base point's tables, where there are none yet, wipes what is kept. */
  static ofBase(i: usize, scalar: usize): void {
    baseMultiple(scalar);
    Multiple.keep(i);
  }

  static ofPoint(i: usize, comb: usize, scalar: usize): void {
    combMultiple(1, comb, scalar);
    Multiple.keep(i);
  }

  static finish(i: usize, out: usize): void {
    Field.store(out, Multiple.divide(i));
  }

  private static divide(i: usize): usize {
    const quotient = Multiple.at(i);
    Field.multiply(quotient, quotient, Values.at(i));
    return quotient;
  }

  /** Two at once, a point in each lane. */
  static ofKnown(i: usize, scalar: usize, otherScalar: usize, comb: usize, otherComb: usize): void {
    combMultiples(NUMERATORS + P * i, VALUES + P * i, scalar, otherScalar, comb, otherComb);
  }
  static ofFresh(i: usize, scalar: usize, otherScalar: usize, tables: usize): void {
    freshMultiples(NUMERATORS + P * i, VALUES + P * i, scalar, otherScalar, tables);
  }

  static finishBoth(i: usize, out: usize, other: usize): void {
    const quotient = Multiple.divide(i);
    Field.store(out, quotient);
    Field.store(other, quotient + 8);
  }
}

function wipe(): void {
  memory.fill(SCRATCH + SCRATCH_X25519, 0, END - SCRATCH_X25519);
}

/**
 * publicKey = X25519(scalar, 9), out = X25519(scalar, one) ‖ X25519(scalar, other): 32 and 64 bytes, apart from the inputs. The scalar is clamped here.
 * @param comb  the table of `other`, 0 for none  @returns as x25519Both
 */
export function x25519Answer(publicKey: usize, out: usize, scalar: usize, one: usize, other: usize, comb: usize): u32 {
  const known: usize = comb ? 1 : 0;
  const shared = comb ? <u32>x25519(out, scalar, one) | 2 : x25519Both(out, scalar, one, scalar, other);
  Multiple.ofBase(0, scalar);
  if (comb) Multiple.ofPoint(1, comb, scalar);
  Values.invert(1 + <i32>known);
  Multiple.finish(0, publicKey);
  if (comb) Multiple.finish(1, out + 32);
  wipe();
  return shared;
}

/** What tables there are used, at least of the first or of the second points, and ladders for the others. @returns as x25519Four */
function byTables(
  out: usize,
  scalar: usize,
  otherScalar: usize,
  points: usize,
  fresh: usize,
  comb: usize,
  otherComb: usize,
): u32 {
  if (comb) Multiple.ofKnown(2, scalar, otherScalar, comb, otherComb);
  if (fresh) Multiple.ofFresh(3, scalar, otherScalar, fresh);
  // Ladders come last: what they leave would not outlast multiples by tables.
  const ladders: usize = comb ? 3 : 2;
  const point: usize = comb ? 0 : 32;
  const all = comb !== 0 && fresh !== 0;
  if (!all) {
    Ladders.climb(scalar, points + point, otherScalar, points + point + 64);
    memory.copy(Values.at(ladders), Ladders.product, P);
  }
  Values.invert(4);
  if (comb) Multiple.finishBoth(2, out + 32, out + 96);
  if (fresh) Multiple.finishBoth(3, out, out + 64);
  if (all) return 15;
  const shared = Ladders.divide(out + point, out + point + 64, Values.at(ladders));
  const spread = (shared & 1) | ((shared & 2) << 1);
  return comb ? spread | 10 : (spread << 1) | 5;
}

function byLadders(out: usize, scalar: usize, otherScalar: usize, points: usize): u32 {
  FourLadders.climb(Values.at(2), scalar, otherScalar, points);
  Values.invert(4);
  return FourLadders.divide(out, Values.at(2));
}

/**
 * The same for two answers: publicKeys 64 bytes, out 128 of both, points 128, apart from each other.
 * @param fresh  tables of the first and of the third point (comb-fresh.ts), 0 for none
 * @param comb,otherComb  tables of the second and of the fourth point, 0 for none  @returns as x25519Four
 */
export function x25519Answers(
  publicKeys: usize,
  out: usize,
  scalar: usize,
  otherScalar: usize,
  points: usize,
  fresh: usize,
  comb: usize,
  otherComb: usize,
): u32 {
  Multiple.ofBase(0, scalar);
  Multiple.ofBase(1, otherScalar);
  // Four side by side take little more than two.
  const known = comb !== 0 && otherComb !== 0 && !FourLadders.sideBySide;
  const shared =
    known || fresh !== 0
      ? byTables(out, scalar, otherScalar, points, fresh, known ? comb : 0, otherComb)
      : byLadders(out, scalar, otherScalar, points);
  Multiple.finish(0, publicKeys);
  Multiple.finish(1, publicKeys + 32);
  wipe();
  return shared;
}
