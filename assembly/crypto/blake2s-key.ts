/**
 * BLAKE2s under a key that serves more than once: its block is absorbed ahead.
 * Memory: works in the one-call part of SCRATCH_HASH and wipes it.
 */
import { SCRATCH, SCRATCH_HASH } from "../memory/scratch";
import { BLOCK_BYTES, Blake2sSteps, HASH_BYTES, MORE_BLOCKS } from "./blake2s-steps";
import { compressBlocks } from "./generated/blake2s";

/**
 * begun = the chaining value after the key, 32 bytes that are as secret as the key is.
 * @param outLength  1 to 32
 * @param keyLength  1 to 32
 */
export function blake2sBegin(begun: usize, outLength: u32, key: usize, keyLength: u32): void {
  const block = SCRATCH + SCRATCH_HASH;
  Blake2sSteps.start(begun, outLength, keyLength);
  Blake2sSteps.wipeBlock(block);
  Blake2sSteps.fill(block, key, keyLength);
  compressBlocks(begun, block, 1, 0, BLOCK_BYTES, MORE_BLOCKS);
  Blake2sSteps.wipeBlock(block);
}

/** Hash a message of one byte at least, begun with the same `outLength`. */
export function blake2sRest(out: usize, outLength: u32, begun: usize, src: usize, length: u32): void {
  const h = SCRATCH + SCRATCH_HASH;
  const block = h + HASH_BYTES;
  const zero = i64x2.splat(0);
  v128.store(h, v128.load(begun));
  v128.store(h, v128.load(begun, 16), 16);
  Blake2sSteps.finish(h, block, src, length, BLOCK_BYTES);
  Blake2sSteps.emit(out, h, outLength);
  v128.store(h, zero);
  v128.store(h, zero, 16);
  Blake2sSteps.wipeBlock(block);
}
