/**
 * What each module of the crypto package has: a memory of its own, which it does not import.
 * Memory: constants, this instance's scratch memory (page-aligned), and from `heap()` on whatever the host puts
 * there. The host grows the memory to fit; nothing here allocates. Pointers are byte offsets, lengths are u32.
 */
import { SCRATCH_BYTES, setScratch } from "../../memory/scratch";

const SCRATCH_ALIGNMENT: usize = 4096;
const WASM_PAGE: usize = 65536;

const base: usize = (__heap_base + SCRATCH_ALIGNMENT - 1) & ~(SCRATCH_ALIGNMENT - 1);
let end: usize = base;

/** Take memory in front of the heap, as the module starts. @param bytes  a multiple of 16 */
export function reserve(bytes: usize): usize {
  const start = end;
  end += bytes;
  const missing = <i32>((end + WASM_PAGE - 1) / WASM_PAGE) - memory.size();
  if (missing > 0) memory.grow(missing);
  return start;
}

setScratch(reserve(SCRATCH_BYTES));

/** Start of this instance's scratch memory: SCRATCH_BYTES that tests look into. */
export function scratch(): usize {
  return base;
}

/** First byte that belongs to the host. */
export function heap(): usize {
  return end;
}
