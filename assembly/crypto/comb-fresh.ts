/**
 * Multiples of points that were not known ahead, but are multiplied twice, as an initiator's ephemeral key is by both of our private keys: the
 * doublings are done once, for two points at a time, one in each lane. Where multiply-add is not fused, and where a point is on the twist or of small
 * order, ladders do it.
 * Tables: FRESH_BYTES for two points, of the lower and the higher half of the digits eight entries each, as in comb-table.ts but of four elements: y + x,
 * y - x, 2dxy, all times Z, and Z. To divide by Z would take longer than it saves. Nothing in them is secret.
 * Constant time: as comb.ts. Memory: SCRATCH + SCRATCH_X25519.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { LANE_DIGITS, pick } from "./comb";
import { DIGITS, MULTIPLES_END, OTHER_DIGITS, Sums } from "./comb-pairs";
import { Chain, ENTRIES, Entries, TABLES_END, TOOTH_DISTANCE } from "./comb-table";
import { PLUS, Point } from "./edwards";
import { loadEightfold } from "./edwards-from-u";
import { Field, PAIR_BYTES } from "./field";
import { Inverse } from "./field-quotient";
import { PAIR_BYTES as FUSED_PAIR_BYTES } from "./generated/field-fma";

const ELEMENTS: usize = 4;
const HALF_BYTES: usize = FUSED_PAIR_BYTES * ELEMENTS * ENTRIES;
const BOTH: u32 = 3;
export const FRESH_BYTES: usize = 2 * HALF_BYTES;

const DIVIDEND: usize = MULTIPLES_END;
const DIVISOR: usize = DIVIDEND + PAIR_BYTES;
const END: usize = DIVISOR + PAIR_BYTES;

function write(entry: usize): void {
  Point.toAddend();
  for (let i: usize = 0; i < ELEMENTS; i++) {
    memory.copy(entry + FUSED_PAIR_BYTES * i, SCRATCH + PLUS + PAIR_BYTES * i, FUSED_PAIR_BYTES);
  }
}

/** @param one,other  u, 32 bytes  @returns whether both have tables now */
export function makeFresh(tables: usize, one: usize, other: usize): bool {
  if (!Field.inFive) return false;
  const possible = loadEightfold(one, other) === BOTH;
  if (possible) {
    Chain.climb();
    for (let half: usize = 0; half < 2; half++) {
      Chain.takeHalf(half);
      const table = tables + HALF_BYTES * half;
      Entries.begin();
      write(table + FUSED_PAIR_BYTES * ELEMENTS * Entries.number(0));
      for (let n = 1; n < ENTRIES; n++) {
        Entries.next(n);
        write(table + FUSED_PAIR_BYTES * ELEMENTS * Entries.number(n));
      }
    }
  }
  memory.fill(SCRATCH + SCRATCH_X25519, 0, TABLES_END - SCRATCH_X25519);
  return possible;
}

/** Of both points, each with its scalar. @param dividend,divisor  as Sums.finish has them. The caller wipes. */
export function freshMultiples(
  dividend: usize,
  divisor: usize,
  scalar: usize,
  otherScalar: usize,
  tables: usize,
): void {
  Sums.begin(scalar, otherScalar);
  for (let place = TOOTH_DISTANCE - 1; place >= 0; place--) {
    if (place < TOOTH_DISTANCE - 1) Point.double(1);
    pick(tables, ELEMENTS, DIGITS, OTHER_DIGITS, place);
    Point.addProjective();
    pick(tables + HALF_BYTES, ELEMENTS, DIGITS + LANE_DIGITS, OTHER_DIGITS + LANE_DIGITS, place);
    Point.scaleToAddend();
    Point.addLast();
  }
  Sums.finish(dividend, divisor);
}

/** out = X25519(scalar, each of both points), 64 bytes, neither of them zero. The scalar is 32 bytes and clamped here. */
export function x25519Fresh(out: usize, scalar: usize, tables: usize): void {
  const quotient = SCRATCH + DIVIDEND;
  const divisor = SCRATCH + DIVISOR;
  freshMultiples(DIVIDEND, DIVISOR, scalar, scalar, tables);
  Inverse.of(divisor, divisor);
  Field.multiply(quotient, quotient, divisor);
  Field.store(out, quotient);
  Field.store(out + 32, quotient + 8);
  memory.fill(SCRATCH + SCRATCH_X25519, 0, END - SCRATCH_X25519);
}
