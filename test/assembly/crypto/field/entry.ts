// @ts-nocheck: AssemblyScript, compiled by compile.ts
// The field arithmetic for fused multiply-add, by itself: elements where the host puts them.
export { addScaled, multiply, PAIR_BYTES, settle, square } from "../../../../assembly/crypto/generated/field-fma";

/** First byte for elements, aligned for pairs. */
export function area(): usize {
  return (__heap_base + 15) & ~15;
}
