// Writes arithmetic modulo p = 2^255 − 19 on pairs of elements in f64x2 as AssemblyScript, for machines that fuse multiply-add
// (after Emmart, Zheng and Weems, "Faster modular exponentiation using double precision floating point arithmetic on the GPU", 2018).
//
// An element is the sum of 5 doubles, all whole numbers; limb i weighs 2^(51 i). A pair is 5 v128, 80 bytes: limb i of the first
// element in the low half, of the second in the high half.
//
// A product of limbs has up to 102 bits, which two fused multiply-adds split into whole numbers, x · y = high · 2^51 + low:
//   x · y + SPLIT, rounded once, keeps the multiple of 2^51 next to x · y: SPLIT's last bit weighs 2^51
//   x · y + (SPLIT + WHOLE − that) is then exact: WHOLE + low
// Doubles of one binade are in the order of their bit patterns, one pattern per step. So these two, read as integers, are high and low plus
// a constant, and columns of them are added as integers. What the constants sum up to is taken off once for each column.

const LIMBS = 5;
const COLUMNS = 2 * LIMBS;
const BITS = 51;
const WRAP = 19; // 2^255 modulo p
const SPLIT = 1.5 * 2 ** (52 + BITS);
const WHOLE = 1.5 * 2 ** 52;
const range = (n, from = 0) => Array.from({ length: n - from }, (_, k) => k + from);
const lines = (items, text) => items.map((i) => `\n  ${text(i)}`).join("");

const view = new DataView(new ArrayBuffer(8));
function pattern(x) {
  view.setFloat64(0, x);
  return view.getBigUint64(0);
}
const word = (bits) => `0x${BigInt.asUintN(64, bits).toString(16)}`;
const twice = (text) => `${text}, ${text}`;

// Columns, signed, become limbs from −2^50 to 2^50: half a limb is added, so that cutting rounds, and LIFT, which
// makes all of it positive, so that shifts need no sign.
const HALF = 2 ** (BITS - 1);
const LIFT = 2 ** 60;
const ONE = 2 ** 52; // a whole number below it is its mantissa
/** Constants of all functions, one v128 each. */
const CONSTANTS = {
  split: pattern(SPLIT),
  back: pattern(SPLIT + WHOLE),
  mask: 2n ** BigInt(BITS) - 1n,
  one: pattern(ONE),
  half: pattern(ONE + HALF),
  lift: pattern(ONE + LIFT / 2 ** BITS),
  wrap: pattern(WRAP),
  down: pattern(2 ** -BITS),
  downAndWrap: pattern(WRAP * 2 ** -BITS),
};
const constantAt = (place) => `v128.load(CONSTANTS, ${16 * place})`;
const constant = (name) => constantAt(Object.keys(CONSTANTS).indexOf(name));
/** Behind these: what columns start with, for each of the functions that make columns. */
const starts = [];

/**
 * Bounds of limbs. Carried: half a limb, and in the first one what the last carry brought, below 2^12; settled: half a limb and 38. A
 * product is exact up to 2^102, so of its factors one may be an uncarried sum of two if the other is carried or settled, one of three if
 * the other is carried; a column stays below 2^59. `settle` takes sums of four: each limb then carries two at the most.
 */
function assertExact() {
  const carried = HALF + 2 ** 12;
  const product = 2 ** (2 * BITS);
  const column = LIMBS * (HALF + product / 2 ** BITS) * (1 + WRAP);
  const settled = HALF + 2 * WRAP;
  const exact = SPLIT + WHOLE - SPLIT === WHOLE && 3 * carried * carried < product && 2 * carried * settled < product;
  if (!exact || SPLIT - product < 2 ** 103 || SPLIT + product > 2 ** 104)
    throw new Error("limb products are not exact");
  if (column + HALF >= LIFT || (column / 2 ** BITS + 1) * WRAP >= 2 ** 12) throw new Error("a column is too large");
  if (4 * carried >= 2.5 * 2 ** BITS) throw new Error("settle");
  // The number that addScaled settles: the low part of a product and `a`, and the high part of the next lower one.
  const scaled = HALF + carried + WRAP * ((SCALE_MAX * 2 * carried) / 2 ** BITS + 1);
  if (scaled >= 3 * HALF) throw new Error("addScaled");
}
const SCALE_MAX = 121665;
assertExact();

/** The text of columns of products, which says what becomes of each: `low` stays in its column, `high` goes to the next. */
class Product {
  text = "";
  #columns;

  /** @param factors  [i, j, limb of the one, limb of the other], once for each pair that counts */
  constructor(factors) {
    this.#columns = range(COLUMNS).map((k) => factors.filter(([i, j]) => i + j === k));
  }

  line(text) {
    this.text += `\n  ${text}`;
  }

  /** low k and high k: the sums of both parts of all products of column k. */
  sum(k) {
    this.#columns[k].forEach(([, , x, y], n) => {
      const add = (sum) => (n === 0 ? `${sum} = part;` : `${sum} = i64x2.add(${sum}, part);`);
      this.line(`x = ${x}; y = ${y}; part = f64x2.relaxed_madd(x, y, split); ${add(`high${k}`)}`);
      this.line(`part = f64x2.relaxed_madd(x, y, f64x2.sub(back, part)); ${add(`low${k}`)}`);
    });
  }

  /** The integer in column k, and the constants in it. */
  column(k) {
    if (k === 0) return "low0";
    return k === COLUMNS - 1 ? `high${k - 1}` : `i64x2.add(low${k}, high${k - 1})`;
  }
  #constants(k) {
    const parts = (column) => BigInt(this.#columns[column]?.length ?? 0);
    return parts(k) * pattern(WHOLE) + parts(k - 1) * pattern(SPLIT);
  }

  /** What is added to column k before it is cut: less the constants, and less what LIFT carried over from the last. */
  start(k) {
    const lifted = k === 0 ? 0n : BigInt(LIFT / 2 ** BITS);
    return BigInt(HALF) + BigInt(LIFT) - lifted - this.#constants(k) - BigInt(WRAP) * this.#constants(k + LIMBS);
  }
}

/** A function that stores the limbs of a product at `out`. Limbs of `a` are all read before the first is stored. */
function multiplication(name, parameters, prepare, factors) {
  const product = new Product(factors);
  const place = Object.keys(CONSTANTS).length + starts.length;
  starts.push(...range(LIMBS).map((k) => product.start(k)));
  product.sum(LIMBS - 1); // first: its high parts are in column 5, which wraps to column 0
  for (const k of range(LIMBS)) {
    if (k + LIMBS < COLUMNS - 1) product.sum(k + LIMBS);
    if (k < LIMBS - 1) product.sum(k);
    product.line(`part = ${product.column(k + LIMBS)}; // times 19, below`);
    product.line("part = i64x2.add(i64x2.add(i64x2.shl(part, 4), i64x2.shl(part, 1)), part);");
    const sum = `i64x2.add(i64x2.add(${product.column(k)}, ${constantAt(place + k)}), part)`;
    product.line(`column = ${k === 0 ? sum : `i64x2.add(${sum}, carry)`};`);
    product.line(`carry = i64x2.shr_u(column, ${BITS});`);
    const limb = `f64x2.sub(v128.or(v128.and(column, ${constant("mask")}), ${constant("one")}), ${constant("half")})`;
    product.line(k === 0 ? `const first = ${limb};` : `v128.store(out, ${limb}, ${16 * k});`);
  }
  product.line(`carry = f64x2.sub(v128.or(carry, ${constant("one")}), ${constant("lift")});`);
  product.line(`v128.store(out, f64x2.relaxed_madd(carry, ${constant("wrap")}, first));`);
  const sums = range(COLUMNS - 1).map((k) => `low${k}: v128, high${k}: v128`);
  return `export function ${name}(${parameters}): void {
  let x: v128, y: v128, part: v128, column: v128, carry: v128;
  let ${sums.join(", ")};
  const split = ${constant("split")}, back = ${constant("back")};${prepare}${product.text}
}`;
}

const loadAll = (name) => lines(range(LIMBS), (i) => `const ${name}${i} = v128.load(${name}, ${16 * i});`);
const multiply = multiplication(
  "multiply",
  "out: usize, a: usize, b: usize",
  loadAll("a"),
  range(LIMBS).flatMap((i) => range(LIMBS).map((j) => [i, j, `a${i}`, `v128.load(b, ${16 * j})`])),
);
/** Each product of two different limbs counts twice, and is made once, with twice the lower limb. */
const square = multiplication(
  "square",
  "out: usize, a: usize",
  loadAll("a") + lines(range(LIMBS - 1), (i) => `const twice${i} = f64x2.add(a${i}, a${i});`),
  range(LIMBS).flatMap((i) => range(LIMBS, i).map((j) => [i, j, i === j ? `a${i}` : `twice${i}`, `a${j}`])),
);

const before = (i) => (i + LIMBS - 1) % LIMBS;
const toNext = (i) => (i === 0 ? "wrap" : "down");
/** Every limb carries once, all at the same time: adding and subtracting SPLIT rounds to a multiple of 2^51. */
const settleAndStore =
  lines(range(LIMBS), (i) => `const t${i} = f64x2.sub(f64x2.add(s${i}, split), split);`) +
  lines(range(LIMBS), (i) => {
    const limb = `f64x2.relaxed_madd(t${before(i)}, ${toNext(i)}, f64x2.sub(s${i}, t${i}))`;
    return `v128.store(out, ${limb}, ${16 * i});`;
  });
const loadConstants = `const split = ${constant("split")}, down = ${constant("down")}, wrap = ${constant("downAndWrap")};`;

const words = [...Object.values(CONSTANTS), ...starts].map(word);
/** Of the table that the functions read, each a v128. */
export const FIELD_CONSTANTS = words.length;
export const FIELD_LIMBS = LIMBS;

/** The functions, which x25519-wide.mjs makes wider ones of. */
export const fieldFunctions = `/** out = a · b, carried; out may be a. One of a, b is carried or settled, the other at most a sum of two. */
${multiply}

/** out = a², carried; out may be a, which is carried or settled. */
${square}

/** out = a + factor · b, settled; 0 ≤ factor ≤ ${SCALE_MAX}; a carried, b at most a sum of two; aliases allowed. */
export function addScaled(out: usize, a: usize, factor: f64, b: usize): void {
  const x = f64x2.splat(factor);
  ${loadConstants}${loadAll("b")}${lines(range(LIMBS), (i) => `const high${i} = f64x2.sub(f64x2.relaxed_madd(x, b${i}, split), split);`)}${lines(
    range(LIMBS),
    (i) => `const low${i} = f64x2.relaxed_madd(x, b${i}, f64x2.neg(high${i}));`,
  )}${lines(
    range(LIMBS),
    (i) =>
      `const s${i} = f64x2.relaxed_madd(high${before(i)}, ${toNext(i)}, f64x2.add(low${i}, v128.load(a, ${16 * i})));`,
  )}${settleAndStore}
}

/** a, a sum of up to four that are carried, becomes a factor for any product. */
export function settle(a: usize): void {
  const out = a;
  ${loadConstants}${lines(range(LIMBS), (i) => `const s${i} = v128.load(a, ${16 * i});`)}${settleAndStore}
}
`;

export const fieldFmaKernel = () => `
/** Bytes of a pair of elements. */
export const PAIR_BYTES: usize = ${16 * LIMBS};

export const CONSTANTS = memory.data<u64>([${words.map(twice)}], 16);
export const CONSTANTS_BYTES: usize = ${16 * words.length};

${fieldFunctions}`;
