/**
 * BLAKE2s (RFC 7693): plain, keyed, salted, personalised; one call or streaming.
 * Memory: the one-call form works at SCRATCH + SCRATCH_HASH and wipes it; a streaming state is BLAKE2S_BYTES of the caller's.
 * The compression function is written by scripts/kernels/blake2s.mjs.
 */
import { SCRATCH, SCRATCH_HASH } from "../memory/scratch";
import { BLOCK_BYTES, Blake2sSteps, LAST_BLOCK, MORE_BLOCKS } from "./blake2s-steps";
import { compressBlocks } from "./generated/blake2s";

// The one-call form: chaining value, then the padded last block. hkdf.ts keeps its values behind ONE_CALL_BYTES.
const CHAIN: usize = 0;
const BLOCK: usize = 32;
export const ONE_CALL_BYTES: usize = 96;

/**
 * Hash a message in one call.
 * @param outLength  1 to 32
 * @param keyLength  0 (plain) to 32
 * `out` may lie anywhere in the message or the key.
 */
export function blake2s(out: usize, outLength: u32, src: usize, length: u32, key: usize, keyLength: u32): void {
  const h = SCRATCH + SCRATCH_HASH + CHAIN;
  const block = SCRATCH + SCRATCH_HASH + BLOCK;
  Blake2sSteps.start(h, outLength, keyLength);
  if (keyLength === 0) {
    Blake2sSteps.finish(h, block, src, length, 0);
  } else {
    Blake2sSteps.wipeBlock(block);
    Blake2sSteps.fill(block, key, keyLength);
    if (length === 0) {
      compressBlocks(h, block, 1, 0, BLOCK_BYTES, LAST_BLOCK);
    } else {
      compressBlocks(h, block, 1, 0, BLOCK_BYTES, MORE_BLOCKS);
      Blake2sSteps.finish(h, block, src, length, BLOCK_BYTES);
    }
  }
  Blake2sSteps.emit(out, h, outLength);
  const zero = i64x2.splat(0);
  v128.store(h, zero);
  v128.store(h, zero, 16);
  Blake2sSteps.wipeBlock(block);
}

// A streaming state: the chaining value, then these.
const STATE_BLOCK: usize = 32; // 64 bytes, absorbed only when a further byte comes: the last block needs its flag
const STATE_COUNTER: usize = 96; // u64: bytes absorbed, without those in the block
const STATE_FILLED: usize = 104; // u32: bytes in the block
const STATE_OUT_LENGTH: usize = 108; // u32
export const BLAKE2S_BYTES: usize = 112;

/**
 * A hash in progress. Memory: BLAKE2S_BYTES at `this`, any alignment; a copy of them is a clone.
 * Order: init, update as often as wanted, final; after final the state is wiped.
 */
@unmanaged
export class Blake2s {
  /**
   * @param outLength  1 to 32
   * @param keyLength  0 (plain) to 32
   * @param salt, personalization  8 bytes each, or 0 for none
   */
  init(outLength: u32, key: usize, keyLength: u32, salt: usize, personalization: usize): void {
    const h = changetype<usize>(this);
    const block = h + STATE_BLOCK;
    Blake2sSteps.start(h, outLength, keyLength);
    if (salt !== 0) store<u64>(h, load<u64>(h, 16) ^ load<u64>(salt), 16);
    if (personalization !== 0) store<u64>(h, load<u64>(h, 24) ^ load<u64>(personalization), 24);
    Blake2sSteps.wipeBlock(block);
    if (keyLength !== 0) Blake2sSteps.fill(block, key, keyLength);
    store<u64>(h, 0, STATE_COUNTER);
    store<u32>(h, keyLength === 0 ? 0 : BLOCK_BYTES, STATE_FILLED);
    store<u32>(h, outLength, STATE_OUT_LENGTH);
  }

  update(src: usize, length: u32): void {
    if (length === 0) return;
    const h = changetype<usize>(this);
    const block = h + STATE_BLOCK;
    let filled = load<u32>(h, STATE_FILLED);
    const room = BLOCK_BYTES - filled;
    if (length > room) {
      let counter = load<u64>(h, STATE_COUNTER);
      if (filled !== 0) {
        Blake2sSteps.fill(block + filled, src, room);
        compressBlocks(h, block, 1, counter, BLOCK_BYTES, MORE_BLOCKS);
        counter += BLOCK_BYTES;
        src += room;
        length -= room;
        filled = 0;
      }
      const whole = (length - 1) >> 6; // at least one byte stays for the block
      if (whole !== 0) {
        compressBlocks(h, src, whole, counter, BLOCK_BYTES, MORE_BLOCKS);
        counter += (<u64>whole) << 6;
        src += (<usize>whole) << 6;
        length -= whole << 6;
      }
      store<u64>(h, counter, STATE_COUNTER);
    }
    Blake2sSteps.fill(block + filled, src, length);
    store<u32>(h, filled + length, STATE_FILLED);
  }

  final(out: usize): void {
    const h = changetype<usize>(this);
    const filled = load<u32>(h, STATE_FILLED);
    for (let i: u32 = filled; i < BLOCK_BYTES; i++) store<u8>(h + STATE_BLOCK + i, 0);
    compressBlocks(h, h + STATE_BLOCK, 1, load<u64>(h, STATE_COUNTER), filled, LAST_BLOCK);
    Blake2sSteps.emit(out, h, load<u32>(h, STATE_OUT_LENGTH));
    this.wipe();
  }

  wipe(): void {
    memory.fill(changetype<usize>(this), 0, BLAKE2S_BYTES);
  }
}

// The streaming state for JS, which has only its address.

export function blake2sInit(
  state: usize,
  outLength: u32,
  key: usize,
  keyLength: u32,
  salt: usize,
  personalization: usize,
): void {
  changetype<Blake2s>(state).init(outLength, key, keyLength, salt, personalization);
}

export function blake2sUpdate(state: usize, src: usize, length: u32): void {
  changetype<Blake2s>(state).update(src, length);
}

export function blake2sFinal(state: usize, out: usize): void {
  changetype<Blake2s>(state).final(out);
}
