/**
 * BLAKE2s of a message that may be overwritten: the digest takes its place and the rest of it is wiped, as is the key.
 * For short messages this costs the caller less than a second call to wipe.
 * Memory: `at` is followed by room for `length` bytes or 32, rounded up to a multiple of 16; bytes there are zeroed.
 */
import { blake2s } from "./blake2s";
import { HASH_BYTES } from "./blake2s-steps";

/**
 * @param outLength  1 to 32: bytes of digest at `at`; zeros follow
 * @param key        32 bytes that are wiped, of which `keyLength` (0 to 32) count
 */
export function blake2sReplace(at: usize, outLength: u32, length: u32, key: usize, keyLength: u32): void {
  blake2s(at, outLength, at, length, key, keyLength);
  const zero = i64x2.splat(0);
  for (let i = outLength; i < HASH_BYTES; i++) store<u8>(at + i, 0);
  for (let i = HASH_BYTES; i < length; i += 16) v128.store(at + i, zero);
  v128.store(key, zero);
  v128.store(key, zero, 16);
}
