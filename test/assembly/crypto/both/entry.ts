// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Two ladders side by side, with what only a responder's answer takes.
import { BASE_TABLE_BYTES, setBaseTable } from "../../../../assembly/crypto/base-table";
import { SCRATCH_BYTES, setScratch } from "../../../../assembly/memory/scratch";

export { x25519Answer, x25519Both } from "../../../../assembly/crypto/x25519-both";

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
