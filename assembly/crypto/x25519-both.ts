/**
 * X25519 of two points, each with its scalar, as both ends of a handshake need it: two ladders climb side by side, one in each lane. Each
 * step is one multiplication less than two of x25519.ts, no lane changes places, and both share one inversion. What one point does
 * harms the other's result in nothing.
 * Memory: works at SCRATCH + SCRATCH_X25519 and wipes it before return.
 * Constant time: the scalars' bits only steer a mask; no branch and no address depends on them.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { isZero } from "./constant-time";
import { Field, PAIR_BYTES } from "./field";
import { FIELD_SCRATCH } from "./field-element";
import { Inverse } from "./field-quotient";
import { A24, Scalar } from "./x25519";

const P: usize = PAIR_BYTES;

// The names of RFC 7748, section 5; behind what the conversions take.
const X1: usize = SCRATCH_X25519 + FIELD_SCRATCH;
const X2: usize = X1 + P;
const Z2: usize = X2 + P;
const X3: usize = Z2 + P;
const Z3: usize = X3 + P;
const A: usize = Z3 + P;
const B: usize = A + P;
const C: usize = B + P;
const D: usize = C + P;
const E: usize = D + P;
const FACTOR: usize = E + P;
const PRODUCT: usize = FACTOR + P;
const INVERSE: usize = PRODUCT + P;
const SCALAR: usize = INVERSE + P; // 32 bytes, clamped
const OTHER_SCALAR: usize = SCALAR + 32;
const BYTES: usize = OTHER_SCALAR + 32; // 32 bytes
/** Behind two ladders. */
export const BEHIND_PAIR: usize = BYTES + 32;

export class Ladders {
  /** One step of RFC 7748's loop in both lanes; `mask` does the conditional swap. */
  static step(mask: v128): void {
    const base = SCRATCH;
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      const x = v128.load(at + X2);
      const z = v128.load(at + Z2);
      const changeX = v128.and(v128.xor(x, v128.load(at + X3)), mask);
      const changeZ = v128.and(v128.xor(z, v128.load(at + Z3)), mask);
      const x2 = v128.xor(x, changeX);
      const z2 = v128.xor(z, changeZ);
      const x3 = v128.xor(v128.load(at + X3), changeX);
      const z3 = v128.xor(v128.load(at + Z3), changeZ);
      v128.store(at + A, f64x2.add(x2, z2));
      v128.store(at + B, f64x2.sub(x2, z2));
      v128.store(at + C, f64x2.add(x3, z3));
      v128.store(at + D, f64x2.sub(x3, z3));
    }
    Field.settle(base + A);
    Field.settle(base + B);
    Field.multiply(base + D, base + D, base + A);
    Field.multiply(base + C, base + C, base + B);
    Field.square(base + A, base + A);
    Field.square(base + B, base + B);
    for (let at = base, end = base + Field.bytes; at < end; at += 16) {
      const da = v128.load(at + D);
      const cb = v128.load(at + C);
      v128.store(at + X3, f64x2.add(da, cb));
      v128.store(at + Z3, f64x2.sub(da, cb));
      v128.store(at + E, f64x2.sub(v128.load(at + A), v128.load(at + B)));
    }
    Field.multiply(base + X2, base + A, base + B);
    Field.addScaled(base + FACTOR, base + A, A24, base + E);
    Field.settle(base + X3);
    Field.settle(base + Z3);
    Field.multiply(base + Z2, base + E, base + FACTOR);
    Field.square(base + X3, base + X3);
    Field.square(base + Z3, base + Z3);
    Field.multiply(base + Z3, base + Z3, base + X1);
  }

  @inline static swap(a: usize, b: usize, mask: v128): void {
    const x = v128.load(a);
    const y = v128.load(b);
    const change = v128.and(v128.xor(x, y), mask);
    v128.store(a, v128.xor(x, change));
    v128.store(b, v128.xor(y, change));
  }

  /** Bit `t` of both scalars, all over their lanes. */
  @inline static bits(t: i32): v128 {
    const byte = SCRATCH + (t >> 3);
    const one = <i64>((<u32>load<u8>(byte + SCALAR) >> (t & 7)) & 1);
    const other = <i64>((<u32>load<u8>(byte + OTHER_SCALAR) >> (t & 7)) & 1);
    return i64x2.replace_lane(i64x2.splat(-one), 1, -other);
  }

  /** X2 / Z2 is what both points become. */
  static run(): void {
    let previous = i64x2.splat(0);
    for (let t = 254; t >= 0; t--) {
      const bits = Ladders.bits(t);
      Ladders.step(v128.xor(previous, bits));
      previous = bits;
    }
    const mask = previous;
    for (let at = SCRATCH, end = SCRATCH + Field.bytes; at < end; at += 16) {
      Ladders.swap(at + X2, at + X3, mask);
      Ladders.swap(at + Z2, at + Z3, mask);
    }
  }

  /** Where Z2 of a lane is zero, as for a point of small order, X2 becomes 0 and Z2 1: so is the quotient, and the product of both Z2 is not. */
  static refuseZero(lane: usize): void {
    const base = SCRATCH + lane;
    Field.store(SCRATCH + BYTES, base + Z2);
    const zero: u64 = isZero(SCRATCH + BYTES, 32) ? 1 : 0;
    store<f64>(base + Z2, load<f64>(base + Z2) + <f64>zero);
    for (let at = base, end = base + Field.bytes; at < end; at += 16)
      store<u64>(at + X2, load<u64>(at + X2) & (zero - 1));
  }

  /** X2 / Z2 is what both points become, Z2 is not zero, and PRODUCT that of both Z2, in both lanes. */
  static climb(scalar: usize, one: usize, otherScalar: usize, other: usize): void {
    Ladders.begin(scalar, one, otherScalar, other);
    Ladders.run();
    Ladders.finish();
  }

  static begin(scalar: usize, one: usize, otherScalar: usize, other: usize): void {
    const base = SCRATCH;
    Scalar.clamp(base + SCALAR, scalar);
    Scalar.clamp(base + OTHER_SCALAR, otherScalar);
    memory.fill(base + X1, 0, 5 * P);
    Field.load(base + X1, one);
    Field.load(base + X1 + 8, other);
    memory.copy(base + X3, base + X1, P);
    v128.store(base + X2, f64x2.splat(1));
    v128.store(base + Z3, f64x2.splat(1));
  }

  /** Of what the ladders left at X2 and Z2. */
  static finish(): void {
    const base = SCRATCH;
    Ladders.refuseZero(0);
    Ladders.refuseZero(8);
    Inverse.swapLanes(base + A, base + Z2);
    Field.multiply(base + PRODUCT, base + A, base + Z2);
  }

  /** What both Z2 make, in both lanes. */
  @inline static get product(): usize {
    return SCRATCH + PRODUCT;
  }

  /** X2 and Z2 to two pairs, and from there. */
  @inline static takeRatio(to: usize): void {
    memory.copy(to, SCRATCH + X2, 2 * P);
  }
  @inline static putRatio(from: usize): void {
    memory.copy(SCRATCH + X2, from, 2 * P);
  }

  /** out, other = X2 / Z2 of the lanes. @param inverse  of PRODUCT, in both lanes. @returns as x25519Both */
  static divide(out: usize, other: usize, inverse: usize): u32 {
    const base = SCRATCH;
    Inverse.swapLanes(base + A, base + Z2);
    Field.multiply(base + A, base + A, inverse);
    Field.multiply(base + X2, base + X2, base + A);
    Field.store(out, base + X2);
    Field.store(other, base + X2 + 8);
    return (isZero(out, 32) ? 0 : 1) | (isZero(other, 32) ? 0 : 2);
  }
}

/** What `x25519Both` returns when both results may be used. */
export const BOTH_NONZERO: u32 = 3;

/**
 * out = X25519(scalar, one) ‖ X25519(otherScalar, other): 64 bytes, apart from the inputs; those are 32 each, any alignment. The scalars are clamped here.
 * @returns bit 0 for the first result, bit 1 for the second: set when it is not zero. A point of small order makes its own zero.
 */
export function x25519Both(out: usize, scalar: usize, one: usize, otherScalar: usize, other: usize): u32 {
  const base = SCRATCH;
  Ladders.climb(scalar, one, otherScalar, other);
  Inverse.of(base + INVERSE, base + PRODUCT);
  const shared = Ladders.divide(out, out + 32, base + INVERSE);
  memory.fill(base + SCRATCH_X25519, 0, BEHIND_PAIR - SCRATCH_X25519);
  return shared;
}
