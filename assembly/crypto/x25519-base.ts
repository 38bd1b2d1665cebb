/**
 * X25519 of the base point: public keys, by adding precomputed multiples instead of climbing a ladder (comb.ts).
 * Memory: SCRATCH + SCRATCH_X25519, wiped before return; the tables (base-table.ts).
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { BASE_TABLES, baseTables } from "./base-table";
import { combMultiple, MULTIPLE_END } from "./comb";
import { A, B } from "./edwards";
import { Field } from "./field";
import { Inverse } from "./field-quotient";

/** A / B = X25519(scalar, 9), as combMultiple has it. The caller wipes. */
export function baseMultiple(scalar: usize): void {
  const tables = baseTables();
  combMultiple(BASE_TABLES, tables, scalar);
}

/** out = X25519(scalar, 9): the public key of a private key. The scalar is clamped here; out may be the scalar. */
export function x25519Base(out: usize, scalar: usize): void {
  const base = SCRATCH;
  baseMultiple(scalar);
  Inverse.of(base + B, base + B);
  Field.settle(base + B);
  Field.multiply(base + A, base + A, base + B);
  Field.store(out, base + A);
  memory.fill(base + SCRATCH_X25519, 0, MULTIPLE_END - SCRATCH_X25519);
}
