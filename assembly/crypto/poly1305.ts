/**
 * Poly1305, the one-time authenticator of RFC 8439 §2.5.
 * The accumulator h has four limbs of 32 bits in u64 words, the topmost of 34 bits. r is clamped: r < 2^28 per limb and
 * r1, r2, r3 are multiples of four, hence s = r · 5/4 is exact and folds 2^130 ≡ 5. Before a multiplication h0 < 3.25·2^32,
 * h1, h2 < 2^33 and h3 < 1.5·2^34; the sum of four products and a carry then stays below 3.95·2^62 and cannot overflow.
 *
 * Those sums are the product of h and a matrix that is alike along its diagonals:
 *
 *   d0     r0 s3 s2 s1     h0
 *   d1  =  r1 r0 s3 s2  ·  h1     or, in quarters,   A B  ·  x
 *   d2     r2 r1 r0 s3     h2                        C A     y
 *   d3     r3 r2 r1 r0     h3
 *
 * The upper half is A(x + y) + (B − A)y, the lower one A(x + y) + (C − A)x: three products of half the size instead of four.
 * Each of the three matrices is of the same kind and taken apart the same way. So a block costs nine multiplications, by factors that
 * are prepared with r, and fewer instructions than with sixteen. A factor is below 2^30 and may be negative; products and their sums
 * are modulo 2^64, of which d0 to d3 come out as above.
 */
import { Symmetric, wipeSymmetric } from "./layout";
import { Partial } from "./partial";

export const LOW_32: u64 = 0xffffffff;
export const LOW_34: u64 = 0x3ffffffff;
/** The bit 2^128 that RFC 8439 appends to a full block, as seen from the top limb. */
export const FULL_BLOCK: u64 = 0x100000000;

/** State of one authentication. Fields are public to the code that weaves blocks into ChaCha20. */
@unmanaged
export class Poly1305 {
  h0: u64;
  h1: u64;
  h2: u64;
  h3: u64;
  // The factors: a of A, b of B − A, c of C − A.
  a0: i32;
  a1: i32;
  a2: i32;
  b0: i32;
  b1: i32;
  b2: i32;
  c0: i32;
  c1: i32;
  c2: i32;
  pad0: u64;
  pad1: u64;

  /** The state in this instance's scratch memory. */
  @inline static get scratch(): Poly1305 {
    return changetype<Poly1305>(Symmetric.poly1305);
  }

  /** Start with a 32-byte one-time key: r, then the pad. */
  init(key: usize): void {
    this.h0 = 0;
    this.h1 = 0;
    this.h2 = 0;
    this.h3 = 0;
    const r0 = load<i32>(key) & 0x0fffffff;
    const r1 = load<i32>(key, 4) & 0x0ffffffc;
    const r2 = load<i32>(key, 8) & 0x0ffffffc;
    const r3 = load<i32>(key, 12) & 0x0ffffffc;
    const s1 = r1 + (r1 >> 2);
    const s2 = r2 + (r2 >> 2);
    const s3 = r3 + (r3 >> 2);
    const b0 = s2 - r0;
    const c0 = r2 - r0;
    this.a0 = r0;
    this.a1 = s3 - r0;
    this.a2 = r1 - r0;
    this.b0 = b0;
    this.b1 = s1 - s3 - b0;
    this.b2 = s3 - r1 - b0;
    this.c0 = c0;
    this.c1 = r1 - s3 - c0;
    this.c2 = r3 - r1 - c0;
    this.pad0 = load<u64>(key, 16);
    this.pad1 = load<u64>(key, 24);
  }

  /** Take in `count` blocks of 16 bytes. */
  blocks(message: usize, count: u32): void {
    this.absorb(message, count, FULL_BLOCK);
  }

  /** Take in `length` bytes and as many zeros as fill the last block. */
  padded(message: usize, length: u32): void {
    this.blocks(message, length >> 4);
    if (length & 15) {
      this.fill(message + (length & ~15), length);
      this.blocks(Symmetric.blocks, 1);
    }
  }

  /** Take in the last `length` < 16 bytes of a plain Poly1305 message: a one follows, then zeros. */
  last(message: usize, length: u32): void {
    if (length === 0) return;
    this.fill(message, length);
    store<u8>(Symmetric.blocks + length, 1);
    this.absorb(Symmetric.blocks, 1, 0);
  }

  /** Put the low four bits of `length` as a count of bytes into a block of zeros in scratch memory. */
  @inline private fill(message: usize, length: u32): void {
    v128.store(Symmetric.blocks, i64x2.splat(0));
    Partial.copy(Symmetric.blocks, message, length);
  }

  /** Write the 16-byte tag to `out`, which may be unaligned. The state is spent. */
  finish(out: usize): void {
    // Reduce h below 2^130 …
    let h1 = this.h1 + (this.h0 >> 32);
    let h2 = this.h2 + (h1 >> 32);
    let h3 = this.h3 + (h2 >> 32);
    let h0 = (this.h0 & LOW_32) + (h3 >> 34) * 5;
    h1 = (h1 & LOW_32) + (h0 >> 32);
    h2 = (h2 & LOW_32) + (h1 >> 32);
    h3 = (h3 & LOW_34) + (h2 >> 32);
    // … then pick h − p when h ≥ p = 2^130 − 5, that is when h + 5 reaches 2^130.
    const g0 = (h0 & LOW_32) + 5;
    const g1 = (h1 & LOW_32) + (g0 >> 32);
    const g2 = (h2 & LOW_32) + (g1 >> 32);
    const g3 = h3 + (g2 >> 32);
    const subtract: u64 = 0 - (g3 >> 34);
    h0 ^= (h0 ^ g0) & subtract;
    h1 ^= (h1 ^ g1) & subtract;
    h2 ^= (h2 ^ g2) & subtract;
    h3 ^= (h3 ^ g3) & subtract;

    const low = (h0 & LOW_32) | (h1 << 32);
    const high = (h2 & LOW_32) | (h3 << 32);
    const tagLow = low + this.pad0;
    store<u64>(out, tagLow);
    store<u64>(out, high + this.pad1 + <u64>(tagLow < low), 8);
  }

  private absorb(message: usize, count: u32, topBit: u64): void {
    const a0 = <u64>this.a0;
    const a1 = <u64>this.a1;
    const a2 = <u64>this.a2;
    const b0 = <u64>this.b0;
    const b1 = <u64>this.b1;
    const b2 = <u64>this.b2;
    const c0 = <u64>this.c0;
    const c1 = <u64>this.c1;
    const c2 = <u64>this.c2;
    let h0 = this.h0;
    let h1 = this.h1;
    let h2 = this.h2;
    let h3 = this.h3;
    for (; count > 0; count--) {
      h0 += <u64>load<u32>(message);
      h1 += <u64>load<u32>(message, 4);
      h2 += <u64>load<u32>(message, 8);
      h3 += <u64>load<u32>(message, 12) + topBit;
      const a = a0 * (h0 + h1 + h2 + h3);
      const b = b0 * (h2 + h3);
      const c = c0 * (h0 + h1);
      const even = a + a1 * (h1 + h3);
      const odd = a + a2 * (h0 + h2);
      const d0 = even + b + b1 * h3;
      const d1 = odd + b + b2 * h2 + (d0 >> 32);
      const d2 = even + c + c1 * h1 + (d1 >> 32);
      const d3 = odd + c + c2 * h0 + (d2 >> 32);
      h0 = (d0 & LOW_32) + (d3 >> 34) * 5;
      h1 = d1 & LOW_32;
      h2 = d2 & LOW_32;
      h3 = d3 & LOW_34;
      message += 16;
    }
    this.h0 = h0;
    this.h1 = h1;
    this.h2 = h2;
    this.h3 = h3;
  }
}

/** out = Poly1305(key, message). `key` is 32 bytes and good for one message; `out` may overlap either. */
export function poly1305(out: usize, message: usize, length: u32, key: usize): void {
  const mac = Poly1305.scratch;
  mac.init(key);
  mac.blocks(message, length >> 4);
  mac.last(message + (length & ~15), length & 15);
  mac.finish(out);
  wipeSymmetric();
}
