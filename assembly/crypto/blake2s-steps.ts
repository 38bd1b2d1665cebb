/**
 * The steps of BLAKE2s (RFC 7693) that the one-call form, the streaming state and HMAC share.
 * A chaining value is 32 bytes, a block 64, at any alignment. Nothing here wipes: the callers own the memory.
 */
import { compressBlocks } from "./generated/blake2s";

export const BLOCK_BYTES: u32 = 64;
export const HASH_BYTES: u32 = 32;
/** For `compressBlocks`: is this the last block of the message? */
export const LAST_BLOCK: i32 = -1;
export const MORE_BLOCKS: i32 = 0;

export class Blake2sSteps {
  /** Chaining value for outputs of `outLength` bytes: IV ^ parameter block, without salt and personalisation. */
  @inline static start(h: usize, outLength: u32, keyLength: u32): void {
    const parameters = 0x01010000 | (keyLength << 8) | outLength; // fanout 1, depth 1
    const words = i32x4.replace_lane(i64x2.splat(0), 0, parameters);
    // One store: a load of all 16 bytes would have to wait for two.
    v128.store(h, v128.xor(i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a), words));
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
      compressBlocks(h, src, whole, before, BLOCK_BYTES, MORE_BLOCKS);
      src += (<usize>whole) << 6;
      before += (<u64>whole) << 6;
      length -= whole << 6;
    }
    if (length === BLOCK_BYTES) {
      compressBlocks(h, src, 1, before, BLOCK_BYTES, LAST_BLOCK);
      return;
    }
    Blake2sSteps.wipeBlock(block);
    Blake2sSteps.fill(block, src, length);
    compressBlocks(h, block, 1, before, length, LAST_BLOCK);
  }
}
