/**
 * Steps of ChaCha20 on vectors (RFC 8439 §2.1, §2.3), for chacha20-simd.ts.
 * Memory: at `state` sixteen words, the two byte orders of `keepOrders`, then what belongs to the caller.
 */

// Byte orders that rotate each word left by 16 and by 8.
const LEFT_16: usize = memory.data<u8>([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13], 16);
const LEFT_8: usize = memory.data<u8>([3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14], 16);
const ORDER_16: usize = 64;
const ORDER_8: usize = 80;
/** Where the orders end. */
export const LANES_END: usize = 96;

export class Lanes {
  /**
   * The rounds read the orders from this copy at each use. V8 is quick with them in locals too, and slow with
   * constant vectors; JavaScriptCore is 15 % slower with locals, constants, or memory not written by the same function.
   */
  @inline static keepOrders(state: usize): void {
    v128.store(state, v128.load(LEFT_16), ORDER_16);
    v128.store(state, v128.load(LEFT_8), ORDER_8);
  }

  /** The first round of the block that `state` describes, on all four columns: its words go to `out`. */
  @inline static firstRound(out: usize, state: usize): void {
    let a = v128.load(state);
    let b = v128.load(state, 16);
    let c = v128.load(state, 32);
    let d = v128.load(state, 48);
    a = i32x4.add(a, b);
    d = Lanes.xorRotate16(state, d, a);
    c = i32x4.add(c, d);
    b = Lanes.xorRotate12(b, c);
    a = i32x4.add(a, b);
    d = Lanes.xorRotate8(state, d, a);
    c = i32x4.add(c, d);
    b = Lanes.xorRotate7(b, c);
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
  }

  /** (x ^ y) <<< 16, and so on. */
  @inline static xorRotate16(state: usize, x: v128, y: v128): v128 {
    return Lanes.reorder(v128.xor(x, y), v128.load(state, ORDER_16));
  }

  @inline static xorRotate12(x: v128, y: v128): v128 {
    const z = v128.xor(x, y);
    return v128.or(i32x4.shl(z, 12), i32x4.shr_u(z, 20));
  }

  @inline static xorRotate8(state: usize, x: v128, y: v128): v128 {
    return Lanes.reorder(v128.xor(x, y), v128.load(state, ORDER_8));
  }

  @inline static xorRotate7(x: v128, y: v128): v128 {
    const z = v128.xor(x, y);
    return v128.or(i32x4.shl(z, 7), i32x4.shr_u(z, 25));
  }

  /** All indices are below 16, where the relaxed instruction is exact on every machine. */
  @inline static reorder(x: v128, order: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) {
      return i8x16.relaxed_swizzle(x, order);
    } else {
      return i8x16.swizzle(x, order);
    }
  }

  /**
   * Four neighbouring words of all blocks, one vector each: turn them into 16 bytes of each block, XOR these
   * with `src`, and write them at `dst`. Neighbouring blocks are 64 bytes apart.
   */
  @inline static xor(dst: usize, src: usize, a: v128, b: v128, c: v128, d: v128): void {
    const ab01 = i32x4.shuffle(a, b, 0, 4, 1, 5);
    const cd01 = i32x4.shuffle(c, d, 0, 4, 1, 5);
    const ab23 = i32x4.shuffle(a, b, 2, 6, 3, 7);
    const cd23 = i32x4.shuffle(c, d, 2, 6, 3, 7);
    v128.store(dst, v128.xor(i64x2.shuffle(ab01, cd01, 0, 2), v128.load(src)));
    v128.store(dst, v128.xor(i64x2.shuffle(ab01, cd01, 1, 3), v128.load(src, 64)), 64);
    v128.store(dst, v128.xor(i64x2.shuffle(ab23, cd23, 0, 2), v128.load(src, 128)), 128);
    v128.store(dst, v128.xor(i64x2.shuffle(ab23, cd23, 1, 3), v128.load(src, 192)), 192);
  }
}
