/**
 * X25519 (RFC 7748 section 5): the Montgomery ladder on pairs of field elements, two lanes of f64x2.
 * Memory: works at SCRATCH + SCRATCH_X25519 and wipes it before return.
 * Constant time: the scalar's bits only steer a permutation mask; no branch and no address depends on them.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { Field, PAIR_BYTES } from "./field";
import { FIELD_SCRATCH } from "./field-element";
import { Inverse } from "./field-quotient";

const P: usize = PAIR_BYTES;

// Behind what the conversions take of SCRATCH_X25519.
const BASE: usize = SCRATCH_X25519 + FIELD_SCRATCH; // [– | x_1]
const X2_Z3: usize = BASE + P; // [x_2 | z_3]
const X3: usize = X2_Z3 + P; // [x_3 | t], t = (DA - CB)²
const Z2: usize = X3 + P; // [z_2 | –]
const SUMS: usize = Z2 + P; // [A | B]
const CROSS: usize = SUMS + P; // [D | C]
const SQUARES: usize = CROSS + P; // [AA | BB]
const PRODUCTS: usize = SQUARES + P; // [DA | CB]
const LEFT: usize = PRODUCTS + P; // [AA | t]
const RIGHT: usize = LEFT + P; // [BB | x_1]
const DIFFERENCE: usize = RIGHT + P; // [E | –]
const FACTOR: usize = DIFFERENCE + P; // [AA + a24 · E | –]
const SCALAR: usize = FACTOR + P; // 32 bytes, clamped
const END: usize = SCALAR + 32;

export const A24: f64 = 121665;

/** Lane arrangements. */
class Pair {
  /** [low of a | low of b] */
  @inline static lows(a: v128, b: v128): v128 {
    return v128.shuffle<i64>(a, b, 0, 2);
  }
  /** [high of a | high of b] */
  @inline static highs(a: v128, b: v128): v128 {
    return v128.shuffle<i64>(a, b, 1, 3);
  }
  /** [low of a | high of b] */
  @inline static outer(a: v128, b: v128): v128 {
    return v128.shuffle<i64>(a, b, 0, 3);
  }
  @inline static swapped(a: v128): v128 {
    return v128.shuffle<i64>(a, a, 1, 0);
  }
  /** Swap the lanes when `mask` says so. */
  @inline static permute(a: v128, mask: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(a, mask);
    return i8x16.swizzle(a, mask);
  }
  /** Byte indices that leave a pair as it is (swap = 0), or swap its lanes (swap = 1). */
  @inline static mask(swap: u32): v128 {
    const identity = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return v128.xor(identity, v128.and(i8x16.splat(8), i8x16.splat(<i8>(0 - swap))));
  }
}

class Ladder {
  /**
   * One step of RFC 7748's loop; `mask` does the conditional swap. Calls that follow each other need each other's
   * results as little as possible, so that one's carries hide behind the next one's products.
   */
  static step(mask: v128): void {
    const base = SCRATCH;
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      const x = Pair.permute(Ladder.x(at), mask);
      const z = Pair.permute(Ladder.z(at), mask);
      const sum = f64x2.add(x, z); // [A | C]
      const difference = f64x2.sub(x, z); // [B | D]
      v128.store(at + SUMS, Pair.lows(sum, difference));
      v128.store(at + CROSS, Pair.highs(difference, sum));
    }
    Field.settle(base + SUMS);
    Field.square(base + SQUARES, base + SUMS);
    Field.multiply(base + PRODUCTS, base + SUMS, base + CROSS);
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      const squares = v128.load(at + SQUARES);
      const swapped = Pair.swapped(squares);
      v128.store(at + RIGHT, Pair.outer(swapped, v128.load(at + BASE)));
      v128.store(at + DIFFERENCE, f64x2.sub(squares, swapped));
    }
    Field.addScaled(base + FACTOR, base + SQUARES, A24, base + DIFFERENCE);
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      const products = v128.load(at + PRODUCTS);
      const swapped = Pair.swapped(products);
      v128.store(at + X3, Pair.lows(f64x2.add(products, swapped), f64x2.sub(products, swapped)));
    }
    Field.settle(base + X3);
    Field.square(base + X3, base + X3);
    Field.multiply(base + Z2, base + DIFFERENCE, base + FACTOR);
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      v128.store(at + LEFT, Pair.outer(v128.load(at + SQUARES), v128.load(at + X3)));
    }
    Field.multiply(base + X2_Z3, base + LEFT, base + RIGHT);
  }

  /** [x_2 | x_3], limb by limb. @param at  SCRATCH + 16 · limb */
  @inline static x(at: usize): v128 {
    return Pair.lows(v128.load(at + X2_Z3), v128.load(at + X3));
  }

  /** [z_2 | z_3], likewise. */
  @inline static z(at: usize): v128 {
    return Pair.outer(v128.load(at + Z2), v128.load(at + X2_Z3));
  }

  /** Low lanes of X2_Z3 and Z2: x_2 and z_2 of the scalar's multiple of the point in BASE and X3. */
  static run(): void {
    let previous: u32 = 0;
    for (let t = 254; t >= 0; t--) {
      const bit = (<u32>load<u8>(SCRATCH + SCALAR + (t >> 3)) >> (t & 7)) & 1;
      Ladder.step(Pair.mask(previous ^ bit));
      previous = bit;
    }
    const mask = Pair.mask(previous);
    for (let at = SCRATCH, end = SCRATCH + Field.bytes; at < end; at += 16) {
      const x = Pair.permute(Ladder.x(at), mask);
      const z = Pair.permute(Ladder.z(at), mask);
      v128.store(at + X2_Z3, x);
      v128.store(at + Z2, z);
    }
  }
}

export class Scalar {
  /** `to` = the scalar, clamped as RFC 7748 says. */
  static clamp(to: usize, scalar: usize): void {
    v128.store(to, v128.load(scalar));
    v128.store(to, v128.load(scalar, 16), 16);
    store<u8>(to, load<u8>(to) & 248);
    store<u8>(to, (load<u8>(to, 31) & 127) | 64, 31);
  }
}

/**
 * out = X25519(scalar, point); all 32 bytes, any alignment, out may be either input. The scalar is clamped here.
 * @returns false when the result is all zero: the point had small order, and the peers would share nothing secret
 */
export function x25519(out: usize, scalar: usize, point: usize): bool {
  const base = SCRATCH;
  Scalar.clamp(base + SCALAR, scalar);
  memory.fill(base + BASE, 0, 4 * P);
  Field.load(base + BASE + 8, point);
  Field.load(base + X3, point);
  v128.store(base + X2_Z3, f64x2.splat(1));
  Ladder.run();
  Inverse.of(base + Z2, base + Z2);
  Field.multiply(base + X2_Z3, base + X2_Z3, base + Z2);
  Field.store(out, base + X2_Z3);

  memory.fill(base + SCRATCH_X25519, 0, END - SCRATCH_X25519);
  const any = v128.or(v128.load(out), v128.load(out, 16));
  return v128.any_true(any);
}

export { x25519Base } from "./x25519-base";
