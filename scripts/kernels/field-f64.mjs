// Writes arithmetic modulo p = 2^255 − 19 on pairs of elements in f64x2 (after Bernstein's "Curve25519", 2006, section 4)
// as AssemblyScript, unrolled: twelve sums must stay in registers, and their indices must be known at compile time.
//
// An element is the exact sum of 12 doubles. Limb i is a multiple of 2^E(i), E(i) = ceil(21.25 i), and carries its weight
// in its exponent: limb products need no shifts, and a product that wraps past 2^255 is scaled by 19 · 2^-255.
// A pair is 12 v128, 192 bytes: limb i of the first element in the low half, of the second in the high half.
// Carrying: adding and subtracting 1.5 · 2^(52 + E(i+1)) rounds limb i to a multiple of 2^E(i+1); that part moves on.
//
// Every intermediate value is exact: after carrying, |limb i| ≤ (1/2 + 2^-13) · 2^(E(i+1) − E(i)) in units of 2^E(i), so
// below 2^21.01. One addition or subtraction of two such elements may go uncarried into a product: 2^22.01 each. A column
// has at most 12 products, 11 of them times 19: 210 · 2^(2 · 22.01) · 2^(rounding of E, below 1) < 2^53. So fused and
// unfused multiply-add give the same bits, and both builds the same results.

const LIMBS = 12;
const exponent = (i) => Math.ceil(21.25 * i);
const range = (n, from = 0) => Array.from({ length: n - from }, (_, k) => k + from);
const lines = (items, text) => items.map((i) => `\n  ${text(i)}`).join("");

/** A double as a literal that AssemblyScript reads back exactly. */
function literal(x) {
  const text = x.toExponential(17);
  if (Number(text) !== x) throw new Error(`no exact literal for ${x}`);
  return text;
}

/** Move what exceeds limb i to limb i+1; from the last limb, times 19, to the first. */
const carry = (i) =>
  `t = f64x2.sub(f64x2.add(c${i}, v128.load(ROUND, ${16 * i})), v128.load(ROUND, ${16 * i})); c${i} = f64x2.sub(c${i}, t); ` +
  (i < LIMBS - 1 ? `c${i + 1} = f64x2.add(c${i + 1}, t);` : "c0 = Lanes.madd(t, wrap, c0);");

// Two carry chains side by side, 0→1→…→6 and 6→7→…→0, hide each other's latency; then 0→1 and 6→7 once more.
const carryAll = lines([...range(6).flatMap((i) => [i, i + 6]), 0, 6], carry);
const declare = `let ${range(LIMBS)
  .map((i) => `c${i}: v128`)
  .join(", ")}, t: v128, x: v128;\n  const wrap = v128.load(WRAP);`;
const storeAll = lines(range(LIMBS), (i) => `v128.store(out, c${i}, ${16 * i});`);
/** Limbs times 19 · 2^-255, for the products that wrap. */
const prepareWrapped = (from) =>
  lines(range(LIMBS, 1), (i) => `v128.store(wrapped, f64x2.mul(v128.load(${from}, ${16 * i}), wrap), ${16 * i});`);

/** The products of limb i (in x) with the limbs `js` of `b`, each added to its column. */
function products(i, js, b) {
  return lines(js, (j) => {
    const column = (i + j) % LIMBS;
    const factor = `v128.load(${i + j < LIMBS ? b : "wrapped"}, ${16 * j})`;
    return i === 0 ? `c${column} = f64x2.mul(x, ${factor});` : `c${column} = Lanes.madd(x, ${factor}, c${column});`;
  });
}

const multiply = lines(range(LIMBS), (i) => `x = v128.load(a, ${16 * i});${products(i, range(LIMBS), "b")}`);
// Each product of two different limbs counts twice: the row goes on with 2x after the square of its own limb.
const square = lines(
  range(LIMBS),
  (i) =>
    `x = v128.load(a, ${16 * i});${products(i, [i], "a")}\n  x = f64x2.add(x, x);${products(i, range(LIMBS, i + 1), "a")}`,
);

export const fieldF64Kernel = () => `
import { SCRATCH, SCRATCH_X25519 } from "../../memory/scratch";

/** Bytes of a pair of elements. */
export const PAIR_BYTES: usize = ${16 * LIMBS};

// The limbs of one factor, times 19 · 2^-255: a pair at the start of SCRATCH_X25519.
export const WRAPPED: usize = SCRATCH_X25519;

const ROUND = memory.data<f64>([${lines(range(LIMBS), (i) => {
  const rounding = literal(1.5 * 2 ** (52 + exponent(i + 1)));
  return `${rounding}, ${rounding},`;
})}
], 16);
const WRAP = memory.data<f64>([${literal(19 * 2 ** -255)}, ${literal(19 * 2 ** -255)}], 16);

class Lanes {
  /** a · b + c */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
    return f64x2.add(c, f64x2.mul(a, b));
  }
}

/** out = a · b, carried; aliases allowed. */
export function multiply(out: usize, a: usize, b: usize): void {
  ${declare}
  const wrapped = SCRATCH + WRAPPED;${prepareWrapped("b")}${multiply}${carryAll}${storeAll}
}

/** out = a², carried; out may be a. */
export function square(out: usize, a: usize): void {
  ${declare}
  const wrapped = SCRATCH + WRAPPED;${prepareWrapped("a")}${square}${carryAll}${storeAll}
}

/** out = a + factor · b, carried; 0 ≤ factor < 2^20; aliases allowed. */
export function addScaled(out: usize, a: usize, factor: f64, b: usize): void {
  ${declare}
  x = f64x2.splat(factor);${lines(range(LIMBS), (i) => `c${i} = Lanes.madd(x, v128.load(b, ${16 * i}), v128.load(a, ${16 * i}));`)}${carryAll}${storeAll}
}
`;
