/**
 * Comparisons whose time depends on lengths only, never on the bytes: no early exit, no secret branch.
 */

/** True when the 16 bytes at `a` and at `b` are the same. */
export function equal16(a: usize, b: usize): bool {
  return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a, 8) ^ load<u64>(b, 8))) === 0;
}

/** True when the `length` bytes at `a` and at `b` are the same; true for no bytes. */
export function equal(a: usize, b: usize, length: u32): bool {
  let difference: u32 = 0;
  for (let i: u32 = 0; i < length; i++) difference |= load<u8>(a + i) ^ load<u8>(b + i);
  return difference === 0;
}

/** True when all `length` bytes at `a` are zero; true for no bytes. */
export function isZero(a: usize, length: u32): bool {
  let bits: u32 = 0;
  for (let i: u32 = 0; i < length; i++) bits |= load<u8>(a + i);
  return bits === 0;
}
