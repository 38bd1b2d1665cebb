/**
 * BLAKE2s (RFC 7693): plain, keyed, salted, personalised; one call or streaming.
 * Memory: the one-call form works at SCRATCH + SCRATCH_HASH and wipes it; a streaming state is BLAKE2S_BYTES of the caller's.
 * The compression function is written by scripts/kernels/blake2s.mjs.
 */
import { SCRATCH, SCRATCH_HASH } from "../memory/scratch";
import { compressBlocks } from "./generated/blake2s";

export const BLOCK_BYTES: u32 = 64;
export const HASH_BYTES: u32 = 32;

// The one-call form: chaining value, then the padded last block. hkdf.ts keeps its values behind ONE_CALL_BYTES.
const CHAIN: usize = 0;
const BLOCK: usize = 32;
export const ONE_CALL_BYTES: usize = 96;

const LAST: i32 = -1;

/** Steps that the one-call form, the streaming state and HMAC share. */
export class Blake2sSteps {
  /** Chaining value for outputs of `outLength` bytes: IV ^ parameter block, without salt and personalisation. */
  @inline static start(h: usize, outLength: u32, keyLength: u32): void {
    const parameters = 0x01010000 | (keyLength << 8) | outLength; // fanout 1, depth 1
    v128.store(h, i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a));
    store<u32>(h, 0x6a09e667 ^ parameters);
    v128.store(h, i32x4(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19), 16);
  }

  @inline static wipeBlock(block: usize): void {
    const zero = i64x2.splat(0);
    v128.store(block, zero);
    v128.store(block, zero, 16);
    v128.store(block, zero, 32);
    v128.store(block, zero, 48);
  }

  /** Copy up to 64 bytes to a zeroed block: no read behind the source, and no call of the runtime's slow short copy. */
  @inline static fill(block: usize, src: usize, length: u32): void {
    if (length >= 16) {
      for (let i: u32 = 0; i + 16 < length; i += 16) v128.store(block + i, v128.load(src + i));
      v128.store(block + length - 16, v128.load(src + length - 16)); // overlaps what is there already
    } else if (length >= 8) {
      const end = load<u64>(src + length - 8);
      store<u64>(block, load<u64>(src));
      store<u64>(block + length - 8, end);
    } else {
      for (let i: u32 = 0; i < length; i++) store<u8>(block + i, load<u8>(src + i));
    }
  }

  /** Write the first `length` bytes (1 to 32) of the chaining value, and no more. */
  @inline static emit(out: usize, h: usize, length: u32): void {
    if (length === 32) {
      v128.store(out, v128.load(h));
      v128.store(out, v128.load(h, 16), 16);
    } else {
      for (let i: u32 = 0; i < length; i++) store<u8>(out + i, load<u8>(h + i));
    }
  }

  /**
   * Absorb the whole rest of a message, the last block included.
   * @param h       chaining value
   * @param block   64 bytes to pad the last block in; left dirty
   * @param before  bytes absorbed already, a multiple of 64; when 0, an empty message still is one block
   */
  static finish(h: usize, block: usize, src: usize, length: u32, before: u64): void {
    const whole = length > BLOCK_BYTES ? (length - 1) >> 6 : 0;
    if (whole !== 0) {
      compressBlocks(h, src, whole, before, BLOCK_BYTES, 0);
      src += (<usize>whole) << 6;
      before += (<u64>whole) << 6;
      length -= whole << 6;
    }
    if (length === BLOCK_BYTES) {
      compressBlocks(h, src, 1, before, BLOCK_BYTES, LAST);
      return;
    }
    Blake2sSteps.wipeBlock(block);
    Blake2sSteps.fill(block, src, length);
    compressBlocks(h, block, 1, before, length, LAST);
  }
}

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
      compressBlocks(h, block, 1, 0, BLOCK_BYTES, LAST);
    } else {
      compressBlocks(h, block, 1, 0, BLOCK_BYTES, 0);
      Blake2sSteps.finish(h, block, src, length, BLOCK_BYTES);
    }
  }
  Blake2sSteps.emit(out, h, outLength);
  const zero = i64x2.splat(0);
  v128.store(h, zero);
  v128.store(h, zero, 16);
  Blake2sSteps.wipeBlock(block);
}

/**
 * A hash in progress. Memory: BLAKE2S_BYTES at `this`, any alignment; a copy of them is a clone.
 * Order: init, update as often as wanted, final; after final the state is wiped.
 */
@unmanaged
export class Blake2s {
  // 0: chaining value, 32 bytes; 32: block, 64 bytes
  // The block is absorbed only when a further byte comes: the last one needs the final flag.

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
        compressBlocks(h, block, 1, counter, BLOCK_BYTES, 0);
        counter += BLOCK_BYTES;
        src += room;
        length -= room;
        filled = 0;
      }
      const whole = (length - 1) >> 6; // at least one byte stays for the block
      if (whole !== 0) {
        compressBlocks(h, src, whole, counter, BLOCK_BYTES, 0);
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
    compressBlocks(h, h + STATE_BLOCK, 1, load<u64>(h, STATE_COUNTER), filled, LAST);
    Blake2sSteps.emit(out, h, load<u32>(h, STATE_OUT_LENGTH));
    this.wipe();
  }

  wipe(): void {
    memory.fill(changetype<usize>(this), 0, BLAKE2S_BYTES);
  }
}

const STATE_BLOCK: usize = 32;
const STATE_COUNTER: usize = 96; // u64: bytes absorbed, without those in the block
const STATE_FILLED: usize = 104; // u32: bytes in the block
const STATE_OUT_LENGTH: usize = 108; // u32
export const BLAKE2S_BYTES: usize = 112;
