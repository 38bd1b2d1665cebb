// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Combs of any points, and the memory that they work in.
export { makeTables } from "../../../../assembly/crypto/comb-table";
export { area, scratch } from "../ladder-memory";

import { combMultiple, MULTIPLE_END } from "../../../../assembly/crypto/comb";
import { TABLE_BYTES } from "../../../../assembly/crypto/comb-table";
import { A, B } from "../../../../assembly/crypto/edwards";
import { Field } from "../../../../assembly/crypto/field";
import { Inverse } from "../../../../assembly/crypto/field-quotient";
import { SCRATCH, SCRATCH_X25519 } from "../../../../assembly/memory/scratch";

export function tableBytes(): usize {
  return TABLE_BYTES;
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
