/**
 * X25519 of four points, two with each of two scalars: two pairs of ladders (x25519-both.ts), or where the host brings a kernel for that all four
 * side by side (generated/x25519-wide.ts). One inversion serves all, with the public keys of scalars where these are wanted too. What one point
 * does harms the others' results in nothing.
 * Memory: works in SCRATCH + SCRATCH_X25519 and wipes it before return.
 * Constant time: the scalars' bits only steer masks; no branch and no address depends on them.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";
import { B as BASE_DENOMINATOR, A as BASE_NUMERATOR } from "./edwards";
import { Field, PAIR_BYTES } from "./field";
import { INVERSION } from "./field-inverse";
import { FOUR_BYTES, MASK, QUAD_BYTES, SCALARS, CONSTANTS as WIDE_CONSTANTS, X1, X2, X3, Z2, Z3 } from "./four-layout";
import { CONSTANTS, CONSTANTS_BYTES } from "./generated/field-fma";
import { Scalar } from "./x25519";
import { baseMultiple } from "./x25519-base";
import { ANSWER_END, Inverse, Ladders } from "./x25519-both";

const P: usize = PAIR_BYTES;
const HALVES: usize = 2;

// Behind what pairs of ladders and multiples of the base point take.
const FOUR: usize = SCRATCH_X25519 + 6144;
const RATIOS: usize = FOUR + FOUR_BYTES; // x_2 and z_2, pairs, of each half
const NUMERATORS: usize = RATIOS + 2 * P * HALVES; // of the public keys
const VALUES: usize = NUMERATORS + P * HALVES; // to be inverted: of each half both z_2, multiplied; of each public key its denominator
const MOST_VALUES: usize = 2 * HALVES;
const PRODUCTS: usize = VALUES + P * MOST_VALUES; // of all values up to this one
const REST: usize = PRODUCTS + P * MOST_VALUES;
const END: usize = REST + P;
if (END > INVERSION || FOUR < ANSWER_END) ERROR("memory of four ladders overlaps");
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

  /** No z_2 is zero, and the first two values are what both of each half make. */
  static finish(): void {
    for (let half: usize = 0; half < HALVES; half++) {
      Ladders.putRatio(Halves.ratio(half));
      Ladders.finish();
      Ladders.takeRatio(Halves.ratio(half));
      memory.copy(Values.at(half), Ladders.product, P);
    }
  }

  /** out = x_2 / z_2 of all. @returns as x25519Four */
  static divide(out: usize): u32 {
    let shared: u32 = 0;
    for (let half: usize = 0; half < HALVES; half++) {
      Ladders.putRatio(Halves.ratio(half));
      shared |= Ladders.divide(out + 64 * half, Values.at(half)) << (2 * <u32>half);
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

class Values {
  @inline static at(i: usize): usize {
    return SCRATCH + VALUES + P * i;
  }

  @inline private static product(i: usize): usize {
    return SCRATCH + PRODUCTS + P * i;
  }

  /** Invert the first `count`, in both lanes, where both lanes are the same (Montgomery's trick). */
  static invert(count: usize): void {
    const rest = SCRATCH + REST;
    memory.copy(Values.product(0), Values.at(0), P);
    for (let i: usize = 1; i < count; i++) Field.multiply(Values.product(i), Values.product(i - 1), Values.at(i));
    Inverse.of(rest, Values.product(count - 1));
    for (let i = count - 1; i > 0; i--) {
      Field.multiply(Values.product(i), Values.product(i - 1), rest);
      Field.multiply(rest, rest, Values.at(i));
      memory.copy(Values.at(i), Values.product(i), P);
    }
    memory.copy(Values.at(0), rest, P);
  }
}

/** Of one half's scalar: a quotient, of which the denominator waits among the values. */
class PublicKey {
  @inline private static numerator(half: usize): usize {
    return SCRATCH + NUMERATORS + P * half;
  }

  static begin(half: usize, scalar: usize): void {
    baseMultiple(scalar);
    memory.copy(PublicKey.numerator(half), SCRATCH + BASE_NUMERATOR, P);
    const denominator = Values.at(HALVES + half);
    for (let i: usize = 0; i < Field.bytes; i += 16) {
      v128.store(denominator + i, v128.load64_splat(SCRATCH + BASE_DENOMINATOR + i));
    }
  }

  static finish(half: usize, out: usize): void {
    const quotient = PublicKey.numerator(half);
    Field.multiply(quotient, quotient, Values.at(HALVES + half));
    Field.store(out, quotient);
  }
}

function climb(scalar: usize, otherScalar: usize, points: usize): void {
  if (kernel) Quads.climb(scalar, otherScalar, points);
  else Halves.climb(scalar, otherScalar, points);
  Halves.finish();
}

function wipe(): void {
  memory.fill(SCRATCH + SCRATCH_X25519, 0, END - SCRATCH_X25519);
}

/**
 * out = X25519 of the first two points with one scalar ‖ of the last two with the other: 128 bytes, apart from the inputs. Scalars are 32 bytes
 * and clamped here, points 128; any alignment.
 * @returns bits 0 to 3, one for each result: set when it is not zero. A point of small order makes its own zero.
 */
export function x25519Four(out: usize, scalar: usize, otherScalar: usize, points: usize): u32 {
  climb(scalar, otherScalar, points);
  Values.invert(HALVES);
  const shared = Halves.divide(out);
  wipe();
  return shared;
}

/** The same, and publicKeys = X25519(scalar, 9) of both, 64 bytes apart from the inputs: what the answers to two initiations take. */
export function x25519Answers(publicKeys: usize, out: usize, scalar: usize, otherScalar: usize, points: usize): u32 {
  for (let half: usize = 0; half < HALVES; half++) PublicKey.begin(half, half === 0 ? scalar : otherScalar);
  climb(scalar, otherScalar, points);
  Values.invert(MOST_VALUES);
  for (let half: usize = 0; half < HALVES; half++) PublicKey.finish(half, publicKeys + 32 * half);
  const shared = Halves.divide(out);
  wipe();
  return shared;
}
