// Writes arithmetic modulo p = 2^255 − 19 on pairs of elements in f64x2 (after Bernstein's "Curve25519", 2006, section 4)
// as AssemblyScript, unrolled: twelve sums must stay in registers, and their indices must be known at compile time.
//
// An element is the exact sum of 12 doubles. Limb i is a multiple of 2^E(i), E(i) = ceil(21.25 i), and carries its weight
// in its exponent: limb products need no shifts, and a product that wraps past 2^255 is scaled by 19 · 2^-255.
// A pair is 12 v128, 192 bytes: limb i of the first element in the low half, of the second in the high half.
// Carrying: adding and subtracting 1.5 · 2^(52 + E(i+1)) rounds limb i to a multiple of 2^E(i+1); that part moves on.
//
// Every intermediate value is exact, so that fused and unfused multiply-add give the same bits; `assertExact` proves it.

const LIMBS = 12;
const exponent = (i) => Math.ceil(21.25 * i);
const width = (i) => exponent(i + 1) - exponent(i);
const range = (n, from = 0) => Array.from({ length: n - from }, (_, k) => k + from);
const lines = (items, text) => items.map((i) => `\n  ${text(i)}`).join("");

/** A double as a literal that AssemblyScript reads back exactly. */
function literal(x) {
  const text = x.toExponential(17);
  if (Number(text) !== x) throw new Error(`no exact literal for ${x}`);
  return text;
}

/** The part of limb i that belongs to limb i+1. */
const excess = (i) => `f64x2.sub(f64x2.add(c${i}, v128.load(ROUND, ${16 * i})), v128.load(ROUND, ${16 * i}))`;
/** Move what exceeds limb i to limb i+1; from the last limb, times 19, to the first. */
const carry = (i) =>
  `t = ${excess(i)}; c${i} = f64x2.sub(c${i}, t); ` +
  (i < LIMBS - 1 ? `c${i + 1} = f64x2.add(c${i + 1}, t);` : "c0 = Lanes.madd(t, wrap, c0);");

// Three carry chains side by side, 0→1→2→3→4, 4→…→8, 8→…→0, hide each other's latency. What each chain hands to the
// first limb of the next is up to 2^31 of its units, so that limb carries once more, and then all are in range.
const CHAIN_STARTS = [0, 4, 8];
const carryAll = lines([...range(4).flatMap((k) => CHAIN_STARTS.map((start) => start + k)), ...CHAIN_STARTS], carry);
// Sums that stay below 2^43 of their units need no chain: every limb carries once, all at the same time.
const carryOnce =
  lines(range(LIMBS), (i) => `const t${i} = ${excess(i)};`) +
  lines(range(LIMBS), (i) =>
    i === 0
      ? "c0 = Lanes.madd(t11, wrap, f64x2.sub(c0, t0));"
      : `c${i} = f64x2.add(f64x2.sub(c${i}, t${i}), t${i - 1});`,
  );

const declare = `let ${range(LIMBS)
  .map((i) => `c${i}: v128`)
  .join(", ")}, t: v128, x: v128;\n  const wrap = v128.load(WRAP);`;
const storeAll = lines(range(LIMBS), (i) => `v128.store(out, c${i}, ${16 * i});`);

// Six columns are summed at a time, row by row. The limbs of the second factor slide along the rows: each is loaded once
// for up to six products, and sums, limbs and the row's limb x together fit in the 16 registers of x64.
const COLUMNS = 6;

/** The text of columns `first` … `first + COLUMNS − 1` of a · `b`; each part of it says what it needs only once. */
class Block {
  text = "";
  #loaded = new Set();
  #started = new Set();

  constructor(first, b) {
    this.first = first;
    this.b = b;
  }

  line(text) {
    this.text += `\n  ${text}`;
  }

  /** c[i + j] += x · b[j], where x is, or is twice, a[i]. */
  product(i, j) {
    const wraps = i + j >= LIMBS;
    const limb = `${wraps ? "w" : "b"}${j}_${this.first}`;
    const load = `v128.load(${this.b}, ${16 * j})`;
    if (!this.#loaded.has(limb)) this.line(`const ${limb} = ${wraps ? `f64x2.mul(${load}, wrap)` : load};`);
    this.#loaded.add(limb);
    const sum = `c${(i + j) % LIMBS}`;
    this.line(`${sum} = ${this.#started.has(sum) ? `Lanes.madd(x, ${limb}, ${sum})` : `f64x2.mul(x, ${limb})`};`);
    this.#started.add(sum);
  }

  /** The limbs j that limb i meets in these columns. */
  partners(i) {
    return range(this.first + COLUMNS, this.first).map((column) => (column - i + LIMBS) % LIMBS);
  }
}

function multiplyColumns(first) {
  const block = new Block(first, "b");
  for (const i of range(LIMBS)) {
    block.line(`x = v128.load(a, ${16 * i});`);
    for (const j of block.partners(i)) block.product(i, j);
  }
  return block.text;
}

/** Each product of two different limbs counts twice, and is made once, with twice the lower limb. */
function squareColumns(first) {
  const block = new Block(first, "a");
  for (const i of range(LIMBS)) {
    const partners = block.partners(i);
    const higher = partners.filter((j) => j > i).sort((p, q) => p - q);
    block.line(`x = v128.load(a, ${16 * i});`);
    if (partners.includes(i)) block.product(i, i);
    if (higher.length > 0) block.line("x = f64x2.add(x, x);");
    for (const j of higher) block.product(i, j);
  }
  return block.text;
}

const multiply = range(LIMBS / COLUMNS)
  .map((n) => multiplyColumns(n * COLUMNS))
  .join("");
const square = range(LIMBS / COLUMNS)
  .map((n) => squareColumns(n * COLUMNS))
  .join("");

/**
 * Bounds in units of 2^E(i). Carried: half of limb i's width, and what the last carry brought, below 2^12; `addScaled`
 * leaves up to twice that. Factors of products may be uncarried sums of such elements, as long as the numbers of their
 * terms multiply to at most FACTOR_TERMS. A column must stay below 2^53 of its unit, and then so does each partial sum.
 */
function assertExact() {
  const carried = range(LIMBS).map((i) => 2 ** (width(i) - 1) + 2 ** 12);
  const columns = new Array(LIMBS).fill(0);
  for (const i of range(LIMBS)) {
    for (const j of range(LIMBS)) {
      const wraps = i + j >= LIMBS;
      const column = (i + j) % LIMBS;
      const unit = exponent(i) + exponent(j) - (wraps ? 255 : 0) - exponent(column);
      if (unit < 0) throw new Error(`limbs ${i} and ${j} miss the unit of column ${column}`);
      columns[column] += FACTOR_TERMS * carried[i] * carried[j] * 2 ** unit * (wraps ? 19 : 1);
    }
  }
  if (Math.max(...columns) >= 2 ** 53) throw new Error("limb products are not exact");
  for (const start of CHAIN_STARTS) {
    const before = (start + LIMBS - 1) % LIMBS;
    const handedOn = (2 * columns[before] * (start === 0 ? 19 : 1)) / 2 ** width(before);
    if (handedOn / 2 ** width(start) > 2 ** 12) throw new Error(`the carry into limb ${start + 1} is too large`);
  }
  const scaled = carried.map((bound) => (1 + 2 * SCALE_MAX) * bound);
  const toNext = Math.max(...scaled.map((bound, i) => bound / 2 ** width(i)));
  if (Math.max(...scaled) >= 2 ** 43 || carried[0] + 19 * toNext > 2.25 * carried[0]) throw new Error("addScaled");
}
const FACTOR_TERMS = 12;
const SCALE_MAX = 121665;
assertExact();

export const fieldF64Kernel = () => `
/** Bytes of a pair of elements. */
export const PAIR_BYTES: usize = ${16 * LIMBS};

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
  ${declare}${multiply}${carryAll}${storeAll}
}

/** out = a², carried; out may be a. */
export function square(out: usize, a: usize): void {
  ${declare}${square}${carryAll}${storeAll}
}

/** out = a + factor · b, carried; 0 ≤ factor ≤ ${SCALE_MAX}; a carried, b at most a sum of two; aliases allowed. */
export function addScaled(out: usize, a: usize, factor: f64, b: usize): void {
  ${declare}
  x = f64x2.splat(factor);${lines(range(LIMBS), (i) => `c${i} = Lanes.madd(x, v128.load(b, ${16 * i}), v128.load(a, ${16 * i}));`)}${carryOnce}${storeAll}
}
`;
