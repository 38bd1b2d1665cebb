// @ts-nocheck: AssemblyScript, compiled by answers.ts
// What an answer to an initiation takes of X25519, for one and for two at once, on a memory that the kernel may share.
import { BASE_TABLE_BYTES, setBaseTable } from "../../assembly/crypto/base-table";
import { SCRATCH_BYTES, setScratch } from "../../assembly/memory/scratch";

export { makeFresh, x25519Fresh } from "../../assembly/crypto/comb-fresh";
export { makeTables } from "../../assembly/crypto/comb-table";
export { checkLadders } from "../../assembly/crypto/ladders-check";
export { x25519Answer, x25519Answers } from "../../assembly/crypto/x25519-answers";

const base: usize = (__heap_base + 4095) & ~4095;
memory.grow(<i32>((base + SCRATCH_BYTES + BASE_TABLE_BYTES) >> 16) + 1);
setScratch(base);
setBaseTable(base + SCRATCH_BYTES);

export function area(): usize {
  return base + SCRATCH_BYTES + BASE_TABLE_BYTES;
}
