// @ts-nocheck: AssemblyScript, compiled by compile.ts
// What the entries of several ladders work in: scratch memory, the table of the base point's multiples, and behind it room for the host.
import { BASE_TABLE_BYTES, setBaseTable } from "../../../assembly/crypto/base-table";
import { SCRATCH_BYTES, setScratch } from "../../../assembly/memory/scratch";

const base: usize = (__heap_base + 4095) & ~4095;
memory.grow(<i32>((base + SCRATCH_BYTES + BASE_TABLE_BYTES) >> 16) + 1);
setScratch(base);
setBaseTable(base + SCRATCH_BYTES);

export function scratch(): usize {
  return base;
}

export function area(): usize {
  return base + SCRATCH_BYTES + BASE_TABLE_BYTES;
}
