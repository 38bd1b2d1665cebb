/**
 * Multiples of the base point for x25519-base.ts. They are computed before the first public key is, within a millisecond:
 * shipped, they would be more than half of the module.
 * Table t, 0 to 7, holds m · 16^(4t) · B for the low lane and m · 16^(4t + 32) · B for the high one, for m = 1 to 8: each point as y + x,
 * y - x and 2dxy, limb by limb as in scripts/kernels/field-f64.mjs but without weights, as i32, so that one v128 has two limbs for both lanes.
 * Nothing here is secret. Memory: BASE_TABLE_BYTES at BASE_TABLE, zero until they are made; SCRATCH + SCRATCH_X25519, wiped.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { A, BEHIND_POINTS, MINUS, PLUS, Point, T, TWICE, X, Y, Z } from "./edwards";
import { Element } from "./field-element";
import { INVERSION, invert } from "./field-inverse";
import { BASE_POINTS, TWICE_D } from "./generated/base-points";
import { multiply, PAIR_BYTES } from "./generated/field-f64";

const P: usize = PAIR_BYTES;
const LIMBS = 12;
const LIMB_BYTES: usize = 8; // both lanes
const MULTIPLES = 8;
export const TABLES = 8;
/** Bytes of one multiple, for both lanes. */
export const ENTRY_BYTES: usize = 3 * LIMBS * LIMB_BYTES;
export const TABLE_BYTES: usize = ENTRY_BYTES * MULTIPLES;
const MADE: usize = TABLE_BYTES * TABLES; // u32: 1 when all of them are there
export const BASE_TABLE_BYTES: usize = MADE + 4;

/** Where the tables are; 0 until `setBaseTable`. */
export let BASE_TABLE: usize = 0;

/** @param base  start of BASE_TABLE_BYTES bytes, aligned to 16, zero or left by another instance that made them */
export function setBaseTable(base: usize): void {
  BASE_TABLE = base;
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
    else multiply(row + ROW_PRODUCT, row + ROW_Z, row + ROW_PRODUCT - ROW_BYTES);
  }

  /** X, Y = those of every row divided by its Z, the last row first, with one inversion for each lane (Montgomery's trick). */
  static writeAll(table: usize): void {
    const base = SCRATCH;
    for (let lane: usize = 0; lane < 16; lane += 8) {
      Element.store(base + BYTES, Row.at(MULTIPLES - 1) + ROW_PRODUCT + lane);
      invert(base + BYTES, base + BYTES);
      Element.load(base + INVERSE + lane, base + BYTES);
    }
    for (let m = MULTIPLES - 1; m >= 0; m--) {
      const row = Row.at(m);
      // Of the first row, Z is 1.
      if (m > 0) {
        multiply(base + A, base + INVERSE, row + ROW_PRODUCT - ROW_BYTES);
        multiply(base + INVERSE, base + INVERSE, row + ROW_Z);
      } else Affine.one(base + A);
      multiply(base + X, row, base + A);
      multiply(base + Y, row + ROW_Y, base + A);
      Affine.forAddition();
      Row.write(table + ENTRY_BYTES * m);
    }
  }

  /** The entry of a table = PLUS, MINUS, TWICE. */
  static write(entry: usize): void {
    const bytes = SCRATCH + BYTES;
    for (let element = SCRATCH + PLUS; element < SCRATCH + A; element += P) {
      for (let lane: usize = 0; lane < 2; lane++) {
        Element.store(bytes, element + 8 * lane);
        for (let i = 0; i < LIMBS; i++) store<i32>(entry + LIMB_BYTES * i + 4 * lane, Element.limb(bytes, i));
      }
      entry += LIMB_BYTES * LIMBS;
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
    Element.load(base + X, low);
    Element.load(base + X + 8, high);
    Element.load(base + Y, low + 32);
    Element.load(base + Y + 8, high + 32);
    Affine.one(base + Z);
  }

  /** T, and PLUS, MINUS, TWICE, of X and Y. */
  static forAddition(): void {
    const base = SCRATCH;
    multiply(base + T, base + X, base + Y);
    Point.sumAndDifference(base + PLUS, base + MINUS, base + Y, base + X);
    multiply(base + TWICE, base + T, TWICE_D);
  }
}

export class BaseTable {
  /** To be called before BASE_TABLE is read. */
  @inline static prepare(): void {
    if (load<u32>(BASE_TABLE + MADE) === 0) BaseTable.make();
  }

  private static make(): void {
    for (let t = 0; t < TABLES; t++) {
      const point = BASE_POINTS + POINT_BYTES * t;
      Affine.load(point, point + POINT_BYTES * TABLES);
      Affine.forAddition();
      Row.keep(0);
      for (let m = 1; m < MULTIPLES; m++) {
        Point.add();
        Row.keep(m);
      }
      Row.writeAll(BASE_TABLE + TABLE_BYTES * t);
    }
    memory.fill(SCRATCH + SCRATCH_X25519, 0, END - SCRATCH_X25519);
    store<u32>(BASE_TABLE + MADE, 1);
  }
}
