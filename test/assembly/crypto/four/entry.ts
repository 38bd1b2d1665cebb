// @ts-nocheck: AssemblyScript, compiled by compile.ts
// Four X25519 at once, and what one answer takes, on a memory that a kernel may share.
import { BASE_TABLE_BYTES, setBaseTable } from "../../../../assembly/crypto/base-table";
import { SCRATCH_BYTES, setScratch } from "../../../../assembly/memory/scratch";

export { checkLadders } from "../../../../assembly/crypto/ladders-check";
export { x25519Answer } from "../../../../assembly/crypto/x25519-both";
export { x25519Answers, x25519Four } from "../../../../assembly/crypto/x25519-four";

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
