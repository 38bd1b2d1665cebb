// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Combs of any points, and the memory that they work in.
export { makeTables } from "../../../../assembly/crypto/comb-table";
export { area, scratch } from "../ladder-memory";

import { combMultiple, MULTIPLE_END } from "../../../../assembly/crypto/comb";
import { TABLE_BYTES } from "../../../../assembly/crypto/comb-table";
import { A, B } from "../../../../assembly/crypto/edwards";
import { Field, PAIR_BYTES } from "../../../../assembly/crypto/field";
import { Inverse } from "../../../../assembly/crypto/field-quotient";
import { SCRATCH, SCRATCH_X25519 } from "../../../../assembly/memory/scratch";

export function tableBytes(): usize {
  return TABLE_BYTES;
}

/** Each of `count` numbers of 32 bytes = its inverse modulo p. @returns the largest of all limbs that `Inverse.ofAll` gives; 0 where there are twelve, which are always settled */
export function invertAll(numbers: usize, count: i32, area: usize): f64 {
  const products = area + PAIR_BYTES * count;
  memory.fill(area, 0, PAIR_BYTES * count);
  for (let i = 0; i < count; i++) {
    Field.load(area + PAIR_BYTES * i, numbers + 32 * i);
    Field.load(area + PAIR_BYTES * i + 8, numbers + 32 * i);
    Field.settle(area + PAIR_BYTES * i);
  }
  Inverse.ofAll(area, count, products);
  let largest: f64 = 0;
  for (let i = 0; i < count; i++) {
    const pair = area + PAIR_BYTES * i;
    for (let at: usize = 0; Field.inFive && at < Field.bytes; at += 8)
      largest = max(largest, Math.abs(load<f64>(pair + at)));
    Field.store(numbers + 32 * i, pair);
  }
  memory.fill(SCRATCH + SCRATCH_X25519, 0, MULTIPLE_END - SCRATCH_X25519);
  return largest;
}

/** out = X25519 of the scalar and the point of the tables. */
export function multiple(out: usize, count: i32, tables: usize, scalar: usize): void {
  combMultiple(count, tables, scalar);
  Inverse.of(SCRATCH + B, SCRATCH + B);
  Field.settle(SCRATCH + B);
  Field.multiply(SCRATCH + A, SCRATCH + A, SCRATCH + B);
  Field.store(out, SCRATCH + A);
  memory.fill(SCRATCH + SCRATCH_X25519, 0, MULTIPLE_END - SCRATCH_X25519);
}
