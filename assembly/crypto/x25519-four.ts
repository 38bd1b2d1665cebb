/**
 * X25519 of four points, two with each of two scalars: two pairs of ladders (x25519-both.ts), or where the host brings a kernel for that all four
 * side by side (generated/x25519-wide.ts). One inversion serves all. What one point does harms the others' results in nothing.
 * Memory: works in SCRATCH + SCRATCH_X25519 and wipes it before return.
 * Constant time: the scalars' bits only steer masks; no branch and no address depends on them.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { Field, PAIR_BYTES } from "./field";
import { INVERSE, Inverse } from "./field-quotient";
import { FOUR_BYTES, MASK, QUAD_BYTES, SCALARS, CONSTANTS as WIDE_CONSTANTS, X1, X2, X3, Z2, Z3 } from "./four-layout";
import { CONSTANTS, CONSTANTS_BYTES } from "./generated/field-fma";
import { Scalar } from "./x25519";
import { BEHIND_PAIR, Ladders } from "./x25519-both";

const P: usize = PAIR_BYTES;
const HALVES: usize = 2;

// Behind what pairs of ladders and multiples of known points take.
const FOUR: usize = SCRATCH_X25519 + 6144;
const RATIOS: usize = FOUR + FOUR_BYTES; // x_2 and z_2, pairs, of each half
const VALUES: usize = RATIOS + 2 * P * HALVES; // of each half both z_2, multiplied
const PRODUCTS: usize = VALUES + P * HALVES;
/** Behind four ladders, for who computes with their results. */
export const BEHIND_LADDERS: usize = PRODUCTS + P * HALVES;
if (BEHIND_LADDERS > INVERSE || FOUR < BEHIND_PAIR) ERROR("memory of four ladders overlaps");
if (MASK - WIDE_CONSTANTS !== 2 * CONSTANTS_BYTES) ERROR("constants are not laid out as four-layout.ts says");

/** Place of `climb` in the table, 0 for none. */
let kernel: u32 = 0;

/** @param place  of a kernel that is right, 0 for none */
export function setLadders(place: u32): void {
  kernel = place;
}

class Halves {
  @inline static ratio(half: usize): usize {
    return SCRATCH + RATIOS + 2 * P * half;
  }

  /** Two pairs of ladders, one after the other. */
  static climb(scalar: usize, otherScalar: usize, points: usize): void {
    for (let half: usize = 0; half < HALVES; half++) {
      const each = half === 0 ? scalar : otherScalar;
      const point = points + 64 * half;
      Ladders.begin(each, point, each, point + 32);
      Ladders.run();
      Ladders.takeRatio(Halves.ratio(half));
    }
  }

  /** No z_2 is zero, and the values are what both of each half make. */
  static finish(values: usize): void {
    for (let half: usize = 0; half < HALVES; half++) {
      Ladders.putRatio(Halves.ratio(half));
      Ladders.finish();
      Ladders.takeRatio(Halves.ratio(half));
      memory.copy(values + P * half, Ladders.product, P);
    }
  }

  /** out = x_2 / z_2 of all. @param values  their inverses. @returns as x25519Four */
  static divide(out: usize, values: usize): u32 {
    let shared: u32 = 0;
    for (let half: usize = 0; half < HALVES; half++) {
      Ladders.putRatio(Halves.ratio(half));
      const results = out + 64 * half;
      shared |= Ladders.divide(results, results + 32, values + P * half) << (2 * <u32>half);
    }
    return shared;
  }
}

class Quads {
  /** Four ladders side by side, by the kernel. */
  static climb(scalar: usize, otherScalar: usize, points: usize): void {
    const area = SCRATCH + FOUR;
    for (let i: usize = 0; i < CONSTANTS_BYTES; i += 16) {
      const constant = v128.load(CONSTANTS + i);
      v128.store(area + WIDE_CONSTANTS + 2 * i, constant);
      v128.store(area + WIDE_CONSTANTS + 2 * i, constant, 16);
    }
    Scalar.clamp(area + SCALARS, scalar);
    Scalar.clamp(area + SCALARS + 32, scalar);
    Scalar.clamp(area + SCALARS + 64, otherScalar);
    Scalar.clamp(area + SCALARS + 96, otherScalar);
    memory.fill(area + X1, 0, 5 * QUAD_BYTES);
    const one = f64x2.splat(1);
    for (let half: usize = 0; half < HALVES; half++) {
      const pair = Halves.ratio(half);
      const lanes = area + 16 * half;
      Field.load(pair, points + 64 * half);
      Field.load(pair + 8, points + 64 * half + 32);
      Quads.spread(lanes + X1, pair);
      Quads.spread(lanes + X3, pair);
      v128.store(lanes + X2, one);
      v128.store(lanes + Z3, one);
    }
    call_indirect<void>(kernel, area);
    for (let half: usize = 0; half < HALVES; half++) {
      const pair = Halves.ratio(half);
      const lanes = area + 16 * half;
      Quads.gather(pair, lanes + X2);
      Quads.gather(pair + P, lanes + Z2);
    }
  }

  @inline private static spread(lanes: usize, pair: usize): void {
    for (let i: usize = 0; i < Field.bytes; i += 16) v128.store(lanes + 2 * i, v128.load(pair + i));
  }

  @inline private static gather(pair: usize, lanes: usize): void {
    for (let i: usize = 0; i < Field.bytes; i += 16) v128.store(pair + i, v128.load(lanes + 2 * i));
  }
}

/** Four ladders, climbed; their results are quotients still. */
export class FourLadders {
  /** Whether all four climb side by side: never where a build has no field that the kernel could have it from. */
  @inline static get sideBySide(): bool {
    return ASC_FEATURE_RELAXED_SIMD ? kernel !== 0 : false;
  }

  /** @param values  two pairs: what each half is to be divided by, in both lanes; not zero */
  static climb(values: usize, scalar: usize, otherScalar: usize, points: usize): void {
    if (FourLadders.sideBySide) Quads.climb(scalar, otherScalar, points);
    else Halves.climb(scalar, otherScalar, points);
    Halves.finish(values);
  }

  /** out = the results. @param values  their inverses. @returns as x25519Four */
  static divide(out: usize, values: usize): u32 {
    return Halves.divide(out, values);
  }
}

/**
 * out = X25519 of the first two points with one scalar ‖ of the last two with the other: 128 bytes, apart from the inputs. Scalars are 32 bytes
 * and clamped here, points 128; any alignment.
 * @returns bits 0 to 3, one for each result: set when it is not zero. A point of small order makes its own zero.
 */
export function x25519Four(out: usize, scalar: usize, otherScalar: usize, points: usize): u32 {
  const values = SCRATCH + VALUES;
  FourLadders.climb(values, scalar, otherScalar, points);
  Inverse.ofAll(values, <i32>HALVES, SCRATCH + PRODUCTS);
  const shared = FourLadders.divide(out, values);
  memory.fill(SCRATCH + SCRATCH_X25519, 0, BEHIND_LADDERS - SCRATCH_X25519);
  return shared;
}
