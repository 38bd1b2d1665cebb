/**
 * The tables of the base point (comb-table.ts). They are computed before the first public key is, in a millisecond or two: shipped, they
 * would be more than half of the module.
 * Nothing here is secret. Memory: BASE_TABLE_BYTES where `setBaseTable` says, zero until they are made.
 */
import { makeTables, TABLE_BYTES } from "./comb-table";

export const BASE_TABLES = 8;
const MADE: usize = TABLE_BYTES * BASE_TABLES; // u32: 1 when all of them are there
const NINE: usize = MADE + 16; // u of the base point, 32 bytes
export const BASE_TABLE_BYTES: usize = NINE + 32;

/** Where they are; 0 until `setBaseTable`. */
let tables: usize = 0;

/** @param base  start of BASE_TABLE_BYTES bytes, aligned to 16, zero or left by another instance that made them */
export function setBaseTable(base: usize): void {
  tables = base;
}

/** @returns where the tables are, now that they are made */
export function baseTables(): usize {
  if (load<u32>(tables, MADE) === 0) {
    store<u32>(tables, 9, NINE);
    makeTables(BASE_TABLES, tables, tables + NINE, 0, tables + NINE);
    store<u32>(tables, 1, MADE);
  }
  return tables;
}
