/**
 * Points by their u on Curve25519, two at a time, as points on the Edwards form: y = (u - 1) / (u + 1), and x by a square root (RFC 7748
 * section 4.1, RFC 8032 section 5.1.3). Which of two roots is all the same to multiples, of which only u is asked for.
 * u is public: what becomes of it, branches and all, may show. Memory: SCRATCH + SCRATCH_X25519, which the caller wipes.
 */
import { SCRATCH } from "../memory/scratch";
import { isZero } from "./constant-time";
import { A, B, BEHIND_POINTS, C, E, F, G, H, Pairs, Point, T, TWICE_D, X, Y, Z } from "./edwards";
import { Field, PAIR_BYTES } from "./field";
import { ROOT_OF_MINUS_ONE } from "./generated/edwards";

const P: usize = PAIR_BYTES;
const POWER: usize = BEHIND_POINTS;
const BYTES: usize = POWER + P; // 32 bytes

class Power {
  /** out = a^(2^times) · factor; out may be both. */
  static squaredTimes(out: usize, a: usize, times: i32, factor: usize): void {
    Pairs.square(POWER, a);
    for (let i = 1; i < times; i++) Pairs.square(POWER, POWER);
    Pairs.multiply(out, factor, POWER);
  }

  /** E = B^((p - 5) / 8), which is B^(2^252 - 3); F, G and H change. */
  static ofB(): void {
    Pairs.square(E, B);
    Power.squaredTimes(F, E, 2, B); // 9
    Pairs.multiply(E, E, F); // 11
    Power.squaredTimes(E, E, 1, F); // 2^5 - 1
    Power.squaredTimes(E, E, 5, E); // 2^10 - 1
    Power.squaredTimes(F, E, 10, E); // 2^20 - 1
    Power.squaredTimes(G, F, 20, F); // 2^40 - 1
    Power.squaredTimes(E, G, 10, E); // 2^50 - 1
    Power.squaredTimes(F, E, 50, E); // 2^100 - 1
    Power.squaredTimes(G, F, 100, F); // 2^200 - 1
    Power.squaredTimes(E, G, 50, E); // 2^250 - 1
    Power.squaredTimes(E, E, 2, B);
  }
}

/** Whether a lane of an element is zero. */
function vanishes(element: usize, lane: usize): bool {
  Field.store(SCRATCH + BYTES, SCRATCH + element + lane);
  return isZero(SCRATCH + BYTES, 32);
}

/**
 * X, Y, Z, T = 8 times both points: so a part of small order is gone.
 * @param one,other  u, 32 bytes  @returns bit 0 for the low lane, 1 for the high one: set where there is such a point on the curve, and it has no small order
 */
export function loadEightfold(one: usize, other: usize): u32 {
  const base = SCRATCH;
  Point.begin();
  // Y = u - 1, Z = u + 1; x² = A / B with A = 2 (Y² - Z²), B = 2d Y² + 2 Z²
  Field.load(base + E, one);
  Field.load(base + E + 8, other);
  memory.fill(base + F, 0, P);
  v128.store(base + F, f64x2.splat(1));
  Point.sumAndDifference(base + Z, base + Y, base + E, base + F);
  Pairs.settle(Z);
  Pairs.settle(Y);
  Pairs.square(E, Y);
  Pairs.square(F, Z);
  Pairs.multiply(B, E, TWICE_D);
  for (let at = base, end = base + Field.bytes; at < end; at += 16) {
    const zz = v128.load(at + F);
    const difference = f64x2.sub(v128.load(at + E), zz);
    v128.store(at + A, f64x2.add(difference, difference));
    v128.store(at + C, f64x2.add(v128.load(at + B), f64x2.add(zz, zz)));
  }
  Pairs.settle(A);
  Pairs.settle(C);
  // x = A C³ (A C⁷)^((p - 5) / 8), or that times a root of -1
  Pairs.square(X, C);
  Pairs.multiply(X, X, C); // C³
  Pairs.square(B, X);
  Pairs.multiply(B, B, C);
  Pairs.multiply(B, B, A);
  Pairs.multiply(X, X, A);
  Power.ofB();
  Pairs.multiply(X, X, E);
  Pairs.square(B, X);
  Pairs.multiply(B, B, C);
  Point.sumAndDifference(base + G, base + H, base + B, base + A); // H is zero for a root, G for one that lacks a root of -1
  Pairs.settle(G);
  Pairs.settle(H);
  memory.fill(base + E, 0, P);
  let found: u32 = 0;
  for (let lane: usize = 0; lane < 16; lane += 8) {
    const bit: u32 = lane === 0 ? 1 : 2;
    if (vanishes(H, lane)) {
      store<f64>(base + E + lane, 1);
      found |= bit;
    } else if (vanishes(G, lane)) {
      Field.load(base + E + lane, ROOT_OF_MINUS_ONE);
      found |= bit;
    }
  }
  Pairs.settle(E);
  Pairs.multiply(X, X, E);
  Pairs.multiply(T, X, Y);
  Pairs.multiply(X, X, Z);
  Point.double(3);
  if (vanishes(X, 0)) found &= ~1;
  if (vanishes(X, 8)) found &= ~2;
  return found;
}
