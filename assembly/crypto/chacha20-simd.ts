/**
 * Four ChaCha20 blocks at once (RFC 8439 §2.3), with Poly1305 woven in.
 * Word i of all four blocks shares one vector, so a double round is 32 vector quarter-steps without any shuffle.
 * ChaCha20 keeps the vector units busy and Poly1305 the integer multiplier: side by side they cost little more
 * than ChaCha20 alone. So each loop iteration does two rounds and two Poly1305 blocks, a quarter of a
 * block at a time. Binary code keeps this order (-O2; higher levels move the pieces together).
 * In the first round only the first column differs from block to block, by the counter; the other three are computed once for all
 * blocks under a nonce (`firstRound`). An iteration is then a round of diagonals and the next one of columns, and the last one ends between these.
 * The sixteen vectors do not fit into sixteen registers beside what is being computed. Words 0 to 3 are needed least
 * urgently, so they stay in memory, and columns are done two at a time, which needs two of them. Left to choose by
 * itself, V8 is 3 % slower and JavaScriptCore 35 %.
 */
import { LANES_END, Lanes } from "./chacha20-lanes";
import { Symmetric } from "./layout";
import { FULL_BLOCK, LOW_32, LOW_34, Poly1305 } from "./poly1305";

/** Bytes that Poly1305 takes in per double round. */
export const GROUP_BYTES: u32 = 32;
export const DOUBLE_ROUNDS: u32 = 10;
/** What is left of the last double round is its diagonals. */
const LAST_ROUND: u32 = DOUBLE_ROUNDS - 1;
/** The numbers of the four blocks. */
const BLOCK_NUMBERS: usize = memory.data<u32>([0, 1, 2, 3], 16);
// Behind the state lie the vectors of words 0 to 3, and sixteen words after the first round.
const ROW_A: usize = LANES_END;
const AFTER: usize = ROW_A + 64;

/** What all blocks under the key and nonce in the state share: to be made anew whenever one of these changes. */
export function firstRound(state: usize): void {
  Lanes.keepOrders(state);
  Lanes.firstRound(state + AFTER, state);
}

/**
 * XOR 256 bytes with blocks `counter` to `counter` + 3 and, meanwhile, take `groups` · 32 bytes into the MAC.
 * The ChaCha20 and Poly1305 states are those in scratch memory, the first round is made; the counter word does not matter.
 *
 * @param dst      256 bytes; may equal `src`, and is written after `message` has been read
 * @param src      256 bytes: `Symmetric.zeros` for the bare keystream
 * @param message  what to authenticate
 * @param groups   at most DOUBLE_ROUNDS
 */
export function fourBlocks(dst: usize, src: usize, counter: u32, message: usize, groups: u32): void {
  const state = Symmetric.state;
  Lanes.keepOrders(state);
  let x4 = v128.load32_splat(state, 16);
  let x5 = v128.load32_splat(state, AFTER + 20);
  let x6 = v128.load32_splat(state, AFTER + 24);
  let x7 = v128.load32_splat(state, AFTER + 28);
  let x8 = v128.load32_splat(state, 32);
  let x9 = v128.load32_splat(state, AFTER + 36);
  let x10 = v128.load32_splat(state, AFTER + 40);
  let x11 = v128.load32_splat(state, AFTER + 44);
  let x12 = i32x4.add(i32x4.splat(counter), v128.load(BLOCK_NUMBERS));
  let x13 = v128.load32_splat(state, AFTER + 52);
  let x14 = v128.load32_splat(state, AFTER + 56);
  let x15 = v128.load32_splat(state, AFTER + 60);

  v128.store(state, v128.load32_splat(state), ROW_A);
  v128.store(state, v128.load32_splat(state, AFTER + 4), ROW_A + 16);
  v128.store(state, v128.load32_splat(state, AFTER + 8), ROW_A + 32);
  v128.store(state, v128.load32_splat(state, AFTER + 12), ROW_A + 48);
  let even: v128; // words 0 to 3 of the two columns at work
  let odd: v128;
  // The first column of the first round.
  even = i32x4.add(v128.load(state, ROW_A), x4);
  x12 = Lanes.xorRotate16(state, x12, even);
  x8 = i32x4.add(x8, x12);
  x4 = Lanes.xorRotate12(x4, x8);
  even = i32x4.add(even, x4);
  v128.store(state, even, ROW_A);
  x12 = Lanes.xorRotate8(state, x12, even);
  x8 = i32x4.add(x8, x12);
  x4 = Lanes.xorRotate7(x4, x8);
  let round: u32 = 0;
  if (groups) {
    const mac = Poly1305.scratch;
    const a0 = <u64>mac.a0;
    const a1 = <u64>mac.a1;
    const a2 = <u64>mac.a2;
    const b0 = <u64>mac.b0;
    const b1 = <u64>mac.b1;
    const b2 = <u64>mac.b2;
    const c0 = <u64>mac.c0;
    const c1 = <u64>mac.c1;
    const c2 = <u64>mac.c2;
    let h0 = mac.h0;
    let h1 = mac.h1;
    let h2 = mac.h2;
    let h3 = mac.h3;
    let a: u64;
    let b: u64;
    let c: u64;
    let e: u64;
    let o: u64;
    let d0: u64;
    let d1: u64;
    let d2: u64;
    let d3: u64;
    for (; round < groups; round++) {
      // Diagonals one and two.
      even = i32x4.add(v128.load(state, ROW_A), x5);
      odd = i32x4.add(v128.load(state, ROW_A + 16), x6);
      x15 = Lanes.xorRotate16(state, x15, even);
      x12 = Lanes.xorRotate16(state, x12, odd);
      h0 += <u64>load<u32>(message);
      h1 += <u64>load<u32>(message, 4);
      h2 += <u64>load<u32>(message, 8);
      h3 += <u64>load<u32>(message, 12) + FULL_BLOCK;
      x10 = i32x4.add(x10, x15);
      x11 = i32x4.add(x11, x12);
      x5 = Lanes.xorRotate12(x5, x10);
      x6 = Lanes.xorRotate12(x6, x11);
      even = i32x4.add(even, x5);
      odd = i32x4.add(odd, x6);
      v128.store(state, even, ROW_A);
      v128.store(state, odd, ROW_A + 16);
      x15 = Lanes.xorRotate8(state, x15, even);
      x12 = Lanes.xorRotate8(state, x12, odd);
      a = a0 * (h0 + h1 + h2 + h3);
      b = b0 * (h2 + h3);
      c = c0 * (h0 + h1);
      e = a + a1 * (h1 + h3);
      o = a + a2 * (h0 + h2);
      d0 = e + b + b1 * h3;
      d1 = o + b + b2 * h2 + (d0 >> 32);
      x10 = i32x4.add(x10, x15);
      x11 = i32x4.add(x11, x12);
      x5 = Lanes.xorRotate7(x5, x10);
      x6 = Lanes.xorRotate7(x6, x11);
      // Diagonals three and four.
      even = i32x4.add(v128.load(state, ROW_A + 32), x7);
      odd = i32x4.add(v128.load(state, ROW_A + 48), x4);
      x13 = Lanes.xorRotate16(state, x13, even);
      x14 = Lanes.xorRotate16(state, x14, odd);
      d2 = e + c + c1 * h1 + (d1 >> 32);
      d3 = o + c + c2 * h0 + (d2 >> 32);
      x8 = i32x4.add(x8, x13);
      x9 = i32x4.add(x9, x14);
      x7 = Lanes.xorRotate12(x7, x8);
      x4 = Lanes.xorRotate12(x4, x9);
      even = i32x4.add(even, x7);
      odd = i32x4.add(odd, x4);
      v128.store(state, even, ROW_A + 32);
      v128.store(state, odd, ROW_A + 48);
      x13 = Lanes.xorRotate8(state, x13, even);
      x14 = Lanes.xorRotate8(state, x14, odd);
      h0 = (d0 & LOW_32) + (d3 >> 34) * 5;
      h1 = d1 & LOW_32;
      h2 = d2 & LOW_32;
      h3 = d3 & LOW_34;
      x8 = i32x4.add(x8, x13);
      x9 = i32x4.add(x9, x14);
      x7 = Lanes.xorRotate7(x7, x8);
      x4 = Lanes.xorRotate7(x4, x9);
      if (round === LAST_ROUND) {
        // There are no columns left for the second block to go with.
        h0 += <u64>load<u32>(message, 16);
        h1 += <u64>load<u32>(message, 20);
        h2 += <u64>load<u32>(message, 24);
        h3 += <u64>load<u32>(message, 28) + FULL_BLOCK;
        a = a0 * (h0 + h1 + h2 + h3);
        b = b0 * (h2 + h3);
        c = c0 * (h0 + h1);
        e = a + a1 * (h1 + h3);
        o = a + a2 * (h0 + h2);
        d0 = e + b + b1 * h3;
        d1 = o + b + b2 * h2 + (d0 >> 32);
        d2 = e + c + c1 * h1 + (d1 >> 32);
        d3 = o + c + c2 * h0 + (d2 >> 32);
        h0 = (d0 & LOW_32) + (d3 >> 34) * 5;
        h1 = d1 & LOW_32;
        h2 = d2 & LOW_32;
        h3 = d3 & LOW_34;
        break;
      }
      // Columns one and two.
      even = i32x4.add(v128.load(state, ROW_A), x4);
      odd = i32x4.add(v128.load(state, ROW_A + 16), x5);
      x12 = Lanes.xorRotate16(state, x12, even);
      x13 = Lanes.xorRotate16(state, x13, odd);
      h0 += <u64>load<u32>(message, 16);
      h1 += <u64>load<u32>(message, 20);
      h2 += <u64>load<u32>(message, 24);
      h3 += <u64>load<u32>(message, 28) + FULL_BLOCK;
      x8 = i32x4.add(x8, x12);
      x9 = i32x4.add(x9, x13);
      x4 = Lanes.xorRotate12(x4, x8);
      x5 = Lanes.xorRotate12(x5, x9);
      even = i32x4.add(even, x4);
      odd = i32x4.add(odd, x5);
      v128.store(state, even, ROW_A);
      v128.store(state, odd, ROW_A + 16);
      x12 = Lanes.xorRotate8(state, x12, even);
      x13 = Lanes.xorRotate8(state, x13, odd);
      a = a0 * (h0 + h1 + h2 + h3);
      b = b0 * (h2 + h3);
      c = c0 * (h0 + h1);
      e = a + a1 * (h1 + h3);
      o = a + a2 * (h0 + h2);
      d0 = e + b + b1 * h3;
      d1 = o + b + b2 * h2 + (d0 >> 32);
      x8 = i32x4.add(x8, x12);
      x9 = i32x4.add(x9, x13);
      x4 = Lanes.xorRotate7(x4, x8);
      x5 = Lanes.xorRotate7(x5, x9);
      // Columns three and four.
      even = i32x4.add(v128.load(state, ROW_A + 32), x6);
      odd = i32x4.add(v128.load(state, ROW_A + 48), x7);
      x14 = Lanes.xorRotate16(state, x14, even);
      x15 = Lanes.xorRotate16(state, x15, odd);
      d2 = e + c + c1 * h1 + (d1 >> 32);
      d3 = o + c + c2 * h0 + (d2 >> 32);
      x10 = i32x4.add(x10, x14);
      x11 = i32x4.add(x11, x15);
      x6 = Lanes.xorRotate12(x6, x10);
      x7 = Lanes.xorRotate12(x7, x11);
      even = i32x4.add(even, x6);
      odd = i32x4.add(odd, x7);
      v128.store(state, even, ROW_A + 32);
      v128.store(state, odd, ROW_A + 48);
      x14 = Lanes.xorRotate8(state, x14, even);
      x15 = Lanes.xorRotate8(state, x15, odd);
      h0 = (d0 & LOW_32) + (d3 >> 34) * 5;
      h1 = d1 & LOW_32;
      h2 = d2 & LOW_32;
      h3 = d3 & LOW_34;
      x10 = i32x4.add(x10, x14);
      x11 = i32x4.add(x11, x15);
      x6 = Lanes.xorRotate7(x6, x10);
      x7 = Lanes.xorRotate7(x7, x11);
      message += GROUP_BYTES;
    }
    mac.h0 = h0;
    mac.h1 = h1;
    mac.h2 = h2;
    mac.h3 = h3;
  }
  // The rounds that are left, without Poly1305.
  while (groups < DOUBLE_ROUNDS) {
    // Diagonals one and two.
    even = i32x4.add(v128.load(state, ROW_A), x5);
    odd = i32x4.add(v128.load(state, ROW_A + 16), x6);
    x15 = Lanes.xorRotate16(state, x15, even);
    x12 = Lanes.xorRotate16(state, x12, odd);
    x10 = i32x4.add(x10, x15);
    x11 = i32x4.add(x11, x12);
    x5 = Lanes.xorRotate12(x5, x10);
    x6 = Lanes.xorRotate12(x6, x11);
    even = i32x4.add(even, x5);
    odd = i32x4.add(odd, x6);
    v128.store(state, even, ROW_A);
    v128.store(state, odd, ROW_A + 16);
    x15 = Lanes.xorRotate8(state, x15, even);
    x12 = Lanes.xorRotate8(state, x12, odd);
    x10 = i32x4.add(x10, x15);
    x11 = i32x4.add(x11, x12);
    x5 = Lanes.xorRotate7(x5, x10);
    x6 = Lanes.xorRotate7(x6, x11);
    // Diagonals three and four.
    even = i32x4.add(v128.load(state, ROW_A + 32), x7);
    odd = i32x4.add(v128.load(state, ROW_A + 48), x4);
    x13 = Lanes.xorRotate16(state, x13, even);
    x14 = Lanes.xorRotate16(state, x14, odd);
    x8 = i32x4.add(x8, x13);
    x9 = i32x4.add(x9, x14);
    x7 = Lanes.xorRotate12(x7, x8);
    x4 = Lanes.xorRotate12(x4, x9);
    even = i32x4.add(even, x7);
    odd = i32x4.add(odd, x4);
    v128.store(state, even, ROW_A + 32);
    v128.store(state, odd, ROW_A + 48);
    x13 = Lanes.xorRotate8(state, x13, even);
    x14 = Lanes.xorRotate8(state, x14, odd);
    x8 = i32x4.add(x8, x13);
    x9 = i32x4.add(x9, x14);
    x7 = Lanes.xorRotate7(x7, x8);
    x4 = Lanes.xorRotate7(x4, x9);
    if (round === LAST_ROUND) break;
    // Columns one and two.
    even = i32x4.add(v128.load(state, ROW_A), x4);
    odd = i32x4.add(v128.load(state, ROW_A + 16), x5);
    x12 = Lanes.xorRotate16(state, x12, even);
    x13 = Lanes.xorRotate16(state, x13, odd);
    x8 = i32x4.add(x8, x12);
    x9 = i32x4.add(x9, x13);
    x4 = Lanes.xorRotate12(x4, x8);
    x5 = Lanes.xorRotate12(x5, x9);
    even = i32x4.add(even, x4);
    odd = i32x4.add(odd, x5);
    v128.store(state, even, ROW_A);
    v128.store(state, odd, ROW_A + 16);
    x12 = Lanes.xorRotate8(state, x12, even);
    x13 = Lanes.xorRotate8(state, x13, odd);
    x8 = i32x4.add(x8, x12);
    x9 = i32x4.add(x9, x13);
    x4 = Lanes.xorRotate7(x4, x8);
    x5 = Lanes.xorRotate7(x5, x9);
    // Columns three and four.
    even = i32x4.add(v128.load(state, ROW_A + 32), x6);
    odd = i32x4.add(v128.load(state, ROW_A + 48), x7);
    x14 = Lanes.xorRotate16(state, x14, even);
    x15 = Lanes.xorRotate16(state, x15, odd);
    x10 = i32x4.add(x10, x14);
    x11 = i32x4.add(x11, x15);
    x6 = Lanes.xorRotate12(x6, x10);
    x7 = Lanes.xorRotate12(x7, x11);
    even = i32x4.add(even, x6);
    odd = i32x4.add(odd, x7);
    v128.store(state, even, ROW_A + 32);
    v128.store(state, odd, ROW_A + 48);
    x14 = Lanes.xorRotate8(state, x14, even);
    x15 = Lanes.xorRotate8(state, x15, odd);
    x10 = i32x4.add(x10, x14);
    x11 = i32x4.add(x11, x15);
    x6 = Lanes.xorRotate7(x6, x10);
    x7 = Lanes.xorRotate7(x7, x11);
    round++;
  }

  const x0 = i32x4.add(v128.load(state, ROW_A), v128.load32_splat(state));
  const x1 = i32x4.add(v128.load(state, ROW_A + 16), v128.load32_splat(state, 4));
  const x2 = i32x4.add(v128.load(state, ROW_A + 32), v128.load32_splat(state, 8));
  const x3 = i32x4.add(v128.load(state, ROW_A + 48), v128.load32_splat(state, 12));
  x4 = i32x4.add(x4, v128.load32_splat(state, 16));
  x5 = i32x4.add(x5, v128.load32_splat(state, 20));
  x6 = i32x4.add(x6, v128.load32_splat(state, 24));
  x7 = i32x4.add(x7, v128.load32_splat(state, 28));
  x8 = i32x4.add(x8, v128.load32_splat(state, 32));
  x9 = i32x4.add(x9, v128.load32_splat(state, 36));
  x10 = i32x4.add(x10, v128.load32_splat(state, 40));
  x11 = i32x4.add(x11, v128.load32_splat(state, 44));
  x12 = i32x4.add(x12, i32x4.add(i32x4.splat(counter), v128.load(BLOCK_NUMBERS)));
  x13 = i32x4.add(x13, v128.load32_splat(state, 52));
  x14 = i32x4.add(x14, v128.load32_splat(state, 56));
  x15 = i32x4.add(x15, v128.load32_splat(state, 60));
  Lanes.xor(dst, src, x0, x1, x2, x3);
  Lanes.xor(dst + 16, src + 16, x4, x5, x6, x7);
  Lanes.xor(dst + 32, src + 32, x8, x9, x10, x11);
  Lanes.xor(dst + 48, src + 48, x12, x13, x14, x15);
}
