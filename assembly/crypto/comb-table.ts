/**
 * What comb.ts adds up: multiples of Q, which is eight times a point that is given by its u.
 * A comb has `count` tables of eight entries, a pair of points each: y + x, y - x and 2dxy, elements of `Field.bytes` without a gap, ready to be
 * factors. Of table t, entry i has in lane l the sum of ± 2^(128 l + 32 j + 32 t / count) Q for j = 0 to 3: plus for j = 3 and where bit j of
 * i is set.
 * Nothing here is secret, and what is done depends on the point. Memory: SCRATCH + SCRATCH_X25519, wiped before return.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { A, BEHIND_POINTS, Pairs, PLUS, POINT_BYTES, Point, T, X, Y, Z } from "./edwards";
import { loadEightfold } from "./edwards-from-u";
import { Field, PAIR_BYTES } from "./field";
import { INVERSE, Inverse } from "./field-quotient";

const P: usize = PAIR_BYTES;
export const ENTRIES = 8;
/** Of an entry. */
export const ELEMENTS: usize = 3;
const TEETH: usize = 4;
/** From one to the next. */
export const TOOTH_DISTANCE = 32;
/** Room for a table. */
export const TABLE_BYTES: usize = ELEMENTS * P * ENTRIES;

const CHAIN: usize = BEHIND_POINTS; // 2^(32 i) Q for all teeth of both lanes, of one point in the low lane and of another in the high one
const ROWS: usize = CHAIN + 2 * TEETH * POINT_BYTES; // of one of these points: tooth j of both lanes, then what adds it twice
const PRODUCTS: usize = ROWS + TEETH * POINT_BYTES; // of all Z up to this one
const QUOTIENT: usize = PRODUCTS + P * ENTRIES;
/** Behind what making tables takes. */
export const TABLES_END: usize = QUOTIENT + P;
if (TABLES_END > INVERSE) ERROR("the rows reach into the memory of the inversion");

export class CombTable {
  /** Bytes of a table that are in use. */
  @inline static get bytes(): usize {
    return CombTable.entryBytes * ENTRIES;
  }

  /** Bytes of an entry. */
  @inline static get entryBytes(): usize {
    return ELEMENTS * Field.bytes;
  }

  /** The entry = three elements of scratch memory, or these = the entry. */
  static write(entry: usize, from: usize): void {
    for (let i: usize = 0; i < ELEMENTS; i++) memory.copy(entry + Field.bytes * i, SCRATCH + from + P * i, Field.bytes);
  }
  static read(to: usize, entry: usize): void {
    for (let i: usize = 0; i < ELEMENTS; i++) memory.copy(SCRATCH + to + P * i, entry + Field.bytes * i, Field.bytes);
  }
}

class Row {
  static load(row: usize): void {
    memory.copy(SCRATCH + X, SCRATCH + row, POINT_BYTES);
  }
  static keep(row: usize): void {
    memory.copy(SCRATCH + row, SCRATCH + X, POINT_BYTES);
  }
  @inline static tooth(j: usize): usize {
    return ROWS + POINT_BYTES * j;
  }

  /** X, Y, Z, T += tooth j, of which the sum so far becomes the addend. */
  static addTooth(j: usize): void {
    Point.toAddend();
    Row.load(Row.tooth(j));
    Point.addProjective();
  }
}

/** The chain of both points. */
export class Chain {
  /** From X, Y, Z, T on. */
  static climb(): void {
    for (let i: usize = 0; i < 2 * TEETH; i++) {
      if (i > 0) Point.double(TOOTH_DISTANCE);
      Row.keep(CHAIN + POINT_BYTES * i);
    }
  }

  /** To where the next table's teeth are: doubling each of them takes a seventh of climbing anew. */
  static advance(doublings: i32): void {
    for (let i: usize = 0; i < 2 * TEETH; i++) {
      Row.load(CHAIN + POINT_BYTES * i);
      Point.double(doublings);
      Row.keep(CHAIN + POINT_BYTES * i);
    }
  }

  /** The rows = four teeth of both points. @param half  0 for the lower ones */
  static takeHalf(half: usize): void {
    const bytes = TEETH * POINT_BYTES;
    memory.copy(SCRATCH + ROWS, SCRATCH + CHAIN + bytes * half, bytes);
  }

  /** The rows = the teeth of the point in `lane`: 0 or 8. */
  static take(lane: usize): void {
    const half = TEETH * POINT_BYTES;
    for (let i: usize = 0; i < half; i += 16) {
      const row = SCRATCH + i;
      store<u64>(row + ROWS, load<u64>(row + CHAIN + lane));
      store<u64>(row + ROWS + 8, load<u64>(row + CHAIN + half + lane));
    }
  }
}

export class Entries {
  /** Of the table, which holds X, Y, Z of each meanwhile. From one to the next, one tooth changes its sign: as in Gray's code. */
  static make(table: usize): void {
    Entries.begin();
    Entries.keep(table, 0);
    for (let n = 1; n < ENTRIES; n++) {
      Entries.next(n);
      Entries.keep(table, n);
    }
    Entries.normalize(table);
  }

  /** X, Y, Z, T = the entry that is made first: the last tooth less all others, the rows of which become what adds each twice. */
  static begin(): void {
    Row.load(Row.tooth(0));
    Row.addTooth(1);
    Row.addTooth(2);
    Row.keep(PRODUCTS);
    for (let j: usize = 0; j < TEETH - 1; j++) {
      Row.load(Row.tooth(j));
      Point.double(1);
      Point.toAddend();
      memory.copy(SCRATCH + Row.tooth(j), SCRATCH + PLUS, POINT_BYTES);
    }
    Row.load(PRODUCTS);
    Point.toAddend();
    Point.negateAddend(i64x2.splat(-1));
    Row.load(Row.tooth(TEETH - 1));
    Point.addProjective();
  }

  /** The n-th entry, after the one before. */
  static next(n: i32): void {
    const tooth: usize = ctz(n);
    memory.copy(SCRATCH + PLUS, SCRATCH + Row.tooth(tooth), POINT_BYTES);
    if (!((Entries.number(n) >> <i32>tooth) & 1)) Point.negateAddend(i64x2.splat(-1));
    Point.addProjective();
  }

  /** Of the entry that is made as the n-th. */
  @inline static number(n: i32): i32 {
    return n ^ (n >> 1);
  }
  @inline private static at(table: usize, n: i32): usize {
    return table + CombTable.entryBytes * Entries.number(n);
  }
  @inline private static product(n: i32): usize {
    return PRODUCTS + P * n;
  }

  private static keep(table: usize, n: i32): void {
    CombTable.write(Entries.at(table, n), X);
    if (n === 0) memory.copy(SCRATCH + Entries.product(0), SCRATCH + Z, P);
    else Pairs.multiply(Entries.product(n), Z, Entries.product(n - 1));
  }

  /** Divide all by their Z, the last one first, with one inversion (Montgomery's trick). */
  private static normalize(table: usize): void {
    Inverse.ofLanes(SCRATCH + QUOTIENT, SCRATCH + Entries.product(ENTRIES - 1));
    for (let n = ENTRIES - 1; n >= 0; n--) {
      CombTable.read(X, Entries.at(table, n));
      if (n > 0) {
        Pairs.multiply(A, QUOTIENT, Entries.product(n - 1));
        Pairs.multiply(QUOTIENT, QUOTIENT, Z);
      } else memory.copy(SCRATCH + A, SCRATCH + QUOTIENT, P);
      Pairs.multiply(X, X, A);
      Pairs.multiply(Y, Y, A);
      Pairs.multiply(T, X, Y);
      Point.toAddend();
      CombTable.write(Entries.at(table, n), PLUS);
    }
  }
}

/**
 * Make the tables of two points; in little more than the time for one.
 * @param tables,other  where they go, aligned to 16; 0 for none  @param point,otherPoint  u, 32 bytes
 * @returns bit 0 for the first, bit 1 for the other: set where the point is on the curve and not of small order. For others there are none.
 */
export function makeTables(count: i32, tables: usize, point: usize, other: usize, otherPoint: usize): u32 {
  const possible = loadEightfold(point, otherPoint);
  for (let t = 0; possible && t < count; t++) {
    const offset = CombTable.bytes * t;
    if (t > 0) Chain.advance(TOOTH_DISTANCE / count);
    else Chain.climb();
    if (tables && possible & 1) {
      Chain.take(0);
      Entries.make(tables + offset);
    }
    if (other && possible & 2) {
      Chain.take(8);
      Entries.make(other + offset);
    }
  }
  memory.fill(SCRATCH + SCRATCH_X25519, 0, TABLES_END - SCRATCH_X25519);
  return possible;
}
