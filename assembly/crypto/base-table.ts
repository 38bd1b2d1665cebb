/**
 * Multiples of the base point for x25519-base.ts. They are computed before the first public key is, within a millisecond:
 * shipped, they would be more than half of the module.
 * Table t, 0 to 7, holds m · 16^(4t) · B for the low lane and m · 16^(4t + 32) · B for the high one, for m = 1 to 8: each point as y + x,
 * y - x and 2dxy, pairs of elements of `Field.bytes` without a gap, ready to be factors.
 * Nothing here is secret. Memory: BASE_TABLE_BYTES where `setBaseTable` says, zero until they are made; SCRATCH + SCRATCH_X25519, wiped.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { A, BEHIND_POINTS, MINUS, PLUS, Point, T, TWICE, X, Y, Z } from "./edwards";
import { Field, PAIR_BYTES } from "./field";
import { INVERSION, invert } from "./field-inverse";
import { BASE_POINTS } from "./generated/base-points";

const P: usize = PAIR_BYTES;
const ELEMENTS = 3;
const MULTIPLES = 8;
export const TABLES = 8;
const MADE: usize = ELEMENTS * P * MULTIPLES * TABLES; // u32: 1 when all of them are there
export const BASE_TABLE_BYTES: usize = MADE + 16;

/** Where they are; 0 until `setBaseTable`. */
let tables: usize = 0;

/** @param base  start of BASE_TABLE_BYTES bytes, aligned to 16, zero or left by another instance that made them */
export function setBaseTable(base: usize): void {
  tables = base;
}

const POINT_BYTES: usize = 64;

// The multiples of one table: X, Y, Z, and the product of all Z up to this one.
const ROWS: usize = BEHIND_POINTS;
const ROW_Y: usize = P;
const ROW_Z: usize = 2 * P;
const ROW_PRODUCT: usize = 3 * P;
const ROW_BYTES: usize = 4 * P;
const INVERSE: usize = ROWS + ROW_BYTES * MULTIPLES;
const BYTES: usize = INVERSE + P; // 32 bytes
const END: usize = BYTES + 32;
if (END > INVERSION) ERROR("the rows reach into the memory of the inversion");

class Row {
  @inline static at(m: i32): usize {
    return SCRATCH + ROWS + ROW_BYTES * m;
  }

  /** Row m = X, Y, Z. */
  static keep(m: i32): void {
    const row = Row.at(m);
    memory.copy(row, SCRATCH + X, 3 * P);
    if (m === 0) memory.copy(row + ROW_PRODUCT, row + ROW_Z, P);
    else Field.multiply(row + ROW_PRODUCT, row + ROW_Z, row + ROW_PRODUCT - ROW_BYTES);
  }

  /** X, Y = those of every row divided by its Z, the last row first, with one inversion for each lane (Montgomery's trick). */
  static writeAll(table: usize): void {
    const base = SCRATCH;
    for (let lane: usize = 0; lane < 16; lane += 8) {
      Field.store(base + BYTES, Row.at(MULTIPLES - 1) + ROW_PRODUCT + lane);
      invert(base + BYTES, base + BYTES);
      Field.load(base + INVERSE + lane, base + BYTES);
    }
    for (let m = MULTIPLES - 1; m >= 0; m--) {
      const row = Row.at(m);
      // Of the first row, Z is 1.
      if (m > 0) {
        Field.multiply(base + A, base + INVERSE, row + ROW_PRODUCT - ROW_BYTES);
        Field.multiply(base + INVERSE, base + INVERSE, row + ROW_Z);
      } else Affine.one(base + A);
      Field.multiply(base + X, row, base + A);
      Field.multiply(base + Y, row + ROW_Y, base + A);
      Affine.forAddition();
      Row.write(table + BaseTable.entryBytes * m);
    }
  }

  /** The entry of a table = PLUS, MINUS, TWICE. */
  static write(entry: usize): void {
    for (let element = SCRATCH + PLUS; element < SCRATCH + A; element += P) {
      memory.copy(entry, element, Field.bytes);
      entry += Field.bytes;
    }
  }
}

/** Points with Z = 1. */
class Affine {
  @inline static one(element: usize): void {
    memory.fill(element, 0, P);
    v128.store(element, f64x2.splat(1));
  }

  /** X, Y, Z = the points at `low` and `high`. */
  static load(low: usize, high: usize): void {
    const base = SCRATCH;
    Field.load(base + X, low);
    Field.load(base + X + 8, high);
    Field.load(base + Y, low + 32);
    Field.load(base + Y + 8, high + 32);
    Affine.one(base + Z);
    Field.settle(base + X);
    Field.settle(base + Y);
  }

  /** T, and PLUS, MINUS, TWICE, of X and Y. */
  static forAddition(): void {
    const base = SCRATCH;
    Field.multiply(base + T, base + X, base + Y);
    Point.sumAndDifference(base + PLUS, base + MINUS, base + Y, base + X);
    Field.settle(base + PLUS);
    Field.settle(base + MINUS);
    Point.twice(TWICE);
  }
}

export class BaseTable {
  /** Bytes of one multiple, for both lanes. */
  @inline static get entryBytes(): usize {
    return ELEMENTS * Field.bytes;
  }

  /** Start of table `t`. */
  @inline static at(t: usize): usize {
    return tables + BaseTable.entryBytes * MULTIPLES * t;
  }

  /** To be called before a table is read. */
  @inline static prepare(): void {
    if (load<u32>(tables + MADE) === 0) BaseTable.make();
  }

  private static make(): void {
    Point.begin();
    for (let t = 0; t < TABLES; t++) {
      const point = BASE_POINTS + POINT_BYTES * t;
      Affine.load(point, point + POINT_BYTES * TABLES);
      Affine.forAddition();
      Row.keep(0);
      for (let m = 1; m < MULTIPLES; m++) {
        Point.add();
        Row.keep(m);
      }
      Row.writeAll(BaseTable.at(t));
    }
    memory.fill(SCRATCH + SCRATCH_X25519, 0, END - SCRATCH_X25519);
    store<u32>(tables + MADE, 1);
  }
}
