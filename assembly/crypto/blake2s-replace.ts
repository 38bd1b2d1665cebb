/**
 * BLAKE2s of a message that may be overwritten and is wiped, as is the key. For short messages this costs the caller less
 * than a second call to wipe.
 */
import { blake2s } from "./blake2s";
import { BLOCK_BYTES, Blake2sSteps, HASH_BYTES, LAST_BLOCK } from "./blake2s-steps";
import { compressBlocks } from "./generated/blake2s";

/** Sixteen bytes to keep, and as many to clear: from byte 16 − n on, a mask that keeps n. */
const KEEP: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0,
]);

/**
 * The plain 32-byte hash of a message of one block: nothing has to be copied.
 * @param at      32 bytes for the digest; behind them a block of 64 bytes: the message, and anything. It is wiped
 * @param length  0 to 64
 */
export function blake2sBlock(at: usize, length: u32): void {
  const block = at + HASH_BYTES;
  clearFrom(block, length);
  Blake2sSteps.start(at, HASH_BYTES, 0);
  compressBlocks(at, block, 1, 0, length, LAST_BLOCK);
  Blake2sSteps.wipeBlock(block);
}

/** What lies behind the message in its block is padding, whatever was left there. */
function clearFrom(block: usize, length: u32): void {
  if (length >= BLOCK_BYTES) return;
  let at = block + (length & ~15);
  v128.store(at, v128.and(v128.load(at), v128.load(KEEP + 16 - (length & 15))));
  for (at += 16; at < block + BLOCK_BYTES; at += 16) v128.store(at, i64x2.splat(0));
}

/**
 * The digest takes the place of the message.
 * @param at         followed by room for `length` bytes or 32, rounded up to a multiple of 16; what is not digest is wiped
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
