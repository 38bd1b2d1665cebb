/**
 * Inversion modulo p = 2^255 - 19 by a fixed number of division steps (Bernstein and Yang, "Fast constant-time gcd
 * computation and modular inversion", 2019, with the half-delta variant of Wuille's bounds): several times quicker than
 * raising to the power p - 2.
 *
 * f = p and g = x shrink to +-1 and 0, while d and e follow with d * x = f and e * x = g modulo p. Thirty steps at a time
 * look at the low bits of f and g alone and yield a matrix, which is then applied to all four numbers.
 * Numbers are 9 limbs of 30 bits in i32, the last one signed. Memory: behind what X25519 needs of its scratch area; wiped.
 * Constant time: 600 steps, always; conditions are masks.
 */
import { SCRATCH, SCRATCH_X25519 } from "../memory/scratch";

const LIMBS: usize = 9;
const MASK: i32 = 0x3fffffff;
const BATCHES = 20; // of 30 steps: 590 are enough for any 256-bit modulus

// p in these limbs: -19 + 2^15 * 2^240. The limbs between are 0.
const P_FIRST: i64 = -19;
const P_LAST: i64 = 1 << 15;
const P_INVERSE: i32 = 395589093; // 1 / p modulo 2^30

const NUMBER_BYTES: usize = 48;
/** Where the memory of an inversion begins. */
export const INVERSION: usize = SCRATCH_X25519 + 16384 - 256;
const F: usize = INVERSION;
const G: usize = F + NUMBER_BYTES;
const D: usize = G + NUMBER_BYTES;
const E: usize = D + NUMBER_BYTES;
const MATRIX: usize = E + NUMBER_BYTES; // i32 u, v, q, r: 2^30 f' = u f + v g, 2^30 g' = q f + r g
const END: usize = MATRIX + 16;

class Limb {
  @inline static get(number: usize, i: usize): i32 {
    return load<i32>(number + 4 * i);
  }
  @inline static set(number: usize, i: usize, value: i32): void {
    store<i32>(number + 4 * i, value);
  }
}

class Steps {
  /** Thirty division steps on the low bits of f and g. @returns the new zeta, -(delta + 1/2) */
  static batch(zeta: i32): i32 {
    let f = load<i32>(SCRATCH + F);
    let g = load<i32>(SCRATCH + G);
    let u: i32 = 1,
      v: i32 = 0,
      q: i32 = 0,
      r: i32 = 1;
    for (let i = 0; i < 30; i++) {
      let swap = zeta >> 31; // all ones when delta > 0
      const odd = -(g & 1);
      // g += (delta > 0 ? -f : f) when g is odd, and its row of the matrix likewise
      g += ((f ^ swap) - swap) & odd;
      q += ((u ^ swap) - swap) & odd;
      r += ((v ^ swap) - swap) & odd;
      // When delta > 0 and g was odd, f becomes the old g, and delta changes sign.
      swap &= odd;
      zeta = (zeta ^ swap) - 1;
      f += g & swap;
      u += q & swap;
      v += r & swap;
      g >>= 1;
      u <<= 1;
      v <<= 1;
    }
    store<i32>(SCRATCH + MATRIX, u);
    store<i32>(SCRATCH + MATRIX, v, 4);
    store<i32>(SCRATCH + MATRIX, q, 8);
    store<i32>(SCRATCH + MATRIX, r, 12);
    return zeta;
  }

  @inline static matrix(i: usize): i64 {
    return load<i32>(SCRATCH + MATRIX + 4 * i);
  }

  /** Apply the matrix to f and g; the division by 2^30 is exact. */
  static applyToValues(): void {
    const u = Steps.matrix(0),
      v = Steps.matrix(1),
      q = Steps.matrix(2),
      r = Steps.matrix(3);
    const f = SCRATCH + F,
      g = SCRATCH + G;
    let fi = <i64>Limb.get(f, 0),
      gi = <i64>Limb.get(g, 0);
    let nextF = (u * fi + v * gi) >> 30;
    let nextG = (q * fi + r * gi) >> 30;
    for (let i: usize = 1; i < LIMBS; i++) {
      fi = Limb.get(f, i);
      gi = Limb.get(g, i);
      nextF += u * fi + v * gi;
      nextG += q * fi + r * gi;
      Limb.set(f, i - 1, <i32>nextF & MASK);
      Limb.set(g, i - 1, <i32>nextG & MASK);
      nextF >>= 30;
      nextG >>= 30;
    }
    Limb.set(f, LIMBS - 1, <i32>nextF);
    Limb.set(g, LIMBS - 1, <i32>nextG);
  }

  /** Apply the matrix to d and e modulo p, from and to the range -2p .. p: add what makes 2^30 divide the result. */
  static applyToCoefficients(): void {
    const u = Steps.matrix(0),
      v = Steps.matrix(1),
      q = Steps.matrix(2),
      r = Steps.matrix(3);
    const d = SCRATCH + D,
      e = SCRATCH + E;
    const signD = Limb.get(d, LIMBS - 1) >> 31,
      signE = Limb.get(e, LIMBS - 1) >> 31;
    let di = <i64>Limb.get(d, 0),
      ei = <i64>Limb.get(e, 0);
    let nextD = u * di + v * ei;
    let nextE = q * di + r * ei;
    // How many times p is added: once per negative number, less what clears the low 30 bits.
    let timesD = (<i32>u & signD) + (<i32>v & signE);
    let timesE = (<i32>q & signD) + (<i32>r & signE);
    timesD -= (P_INVERSE * <i32>nextD + timesD) & MASK;
    timesE -= (P_INVERSE * <i32>nextE + timesE) & MASK;
    nextD = (nextD + P_FIRST * timesD) >> 30;
    nextE = (nextE + P_FIRST * timesE) >> 30;
    for (let i: usize = 1; i < LIMBS; i++) {
      di = Limb.get(d, i);
      ei = Limb.get(e, i);
      nextD += u * di + v * ei;
      nextE += q * di + r * ei;
      if (i === LIMBS - 1) {
        nextD += P_LAST * timesD;
        nextE += P_LAST * timesE;
      }
      Limb.set(d, i - 1, <i32>nextD & MASK);
      Limb.set(e, i - 1, <i32>nextE & MASK);
      nextD >>= 30;
      nextE >>= 30;
    }
    Limb.set(d, LIMBS - 1, <i32>nextD);
    Limb.set(e, LIMBS - 1, <i32>nextE);
  }

  /** number = (negate ? -number : number) + (add ? p : 0), carried; both are masks. */
  static adjust(number: usize, negate: i32, add: i32): void {
    let carry: i32 = 0;
    for (let i: usize = 0; i < LIMBS; i++) {
      carry += (Limb.get(number, i) ^ negate) - negate;
      if (i === 0) carry += <i32>P_FIRST & add;
      if (i === LIMBS - 1) carry += <i32>P_LAST & add;
      Limb.set(number, i, i === LIMBS - 1 ? carry : carry & MASK);
      carry >>= 30;
    }
  }
}

/** out = 1 / x; 0 for 0. 32 bytes each, little-endian; x below p; out may be x. */
export function invert(out: usize, x: usize): void {
  const f = SCRATCH + F,
    g = SCRATCH + G,
    d = SCRATCH + D,
    e = SCRATCH + E;
  memory.fill(f, 0, END - F);
  Limb.set(f, 0, <i32>P_FIRST);
  Limb.set(f, LIMBS - 1, <i32>P_LAST);
  Limb.set(e, 0, 1);
  for (let i: usize = 0; i < LIMBS; i++) {
    const byte = min<usize>((30 * i) >> 3, 24);
    Limb.set(g, i, <i32>(load<u64>(x + byte) >> (30 * i - 8 * byte)) & MASK);
  }

  let zeta: i32 = -1;
  for (let batch = 0; batch < BATCHES; batch++) {
    zeta = Steps.batch(zeta);
    Steps.applyToCoefficients();
    Steps.applyToValues();
  }

  // d = +-1/x, the sign that of f, between -2p and p.
  Steps.adjust(d, 0, Limb.get(d, LIMBS - 1) >> 31);
  Steps.adjust(d, Limb.get(f, LIMBS - 1) >> 31, 0);
  Steps.adjust(d, 0, Limb.get(d, LIMBS - 1) >> 31);
  let bits: u64 = 0,
    filled: u64 = 0;
  for (let i: usize = 0; i < LIMBS; i++) {
    const limb = <u64>Limb.get(d, i);
    bits |= limb << filled;
    filled += 30;
    if (filled >= 64) {
      store<u64>(out, bits);
      out += 8;
      filled -= 64;
      bits = limb >> (30 - filled);
    }
  }
  store<u64>(out, bits);
  memory.fill(f, 0, END - F);
}
