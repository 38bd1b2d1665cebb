// The arithmetic that x25519 uses where multiply-add is fused, against BigInt: random limbs, and limbs at their bounds.
import { beforeAll, expect, test } from "vitest";
import { compile } from "../compile.ts";

const PRIME = 2n ** 255n - 19n;
const LIMBS = 5;
const HALF = 2 ** 50; // of a limb
const CARRIED = HALF + 2 ** 12;
const SETTLED = HALF + 38;
const A24 = 121665;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly PAIR_BYTES: WebAssembly.Global;
  area(): number;
  multiply(out: number, a: number, b: number): void;
  square(out: number, a: number): void;
  addScaled(out: number, a: number, factor: number, b: number): void;
  settle(a: number): void;
}

let field: Exports;
let doubles: Float64Array;
let [a, b, out] = [0, 0, 0];

beforeAll(async () => {
  field = await compile<Exports>("field/entry.ts", "relaxed");
  doubles = new Float64Array(field.memory.buffer);
  const size = field.PAIR_BYTES.value as number;
  [a, b, out] = [0, 1, 2].map((i) => field.area() + i * size) as [number, number, number];
});

/** Whole, from −bound to bound, and often just there. */
function limb(bound: number): number {
  const chance = Math.random();
  if (chance < 0.3) return bound;
  if (chance < 0.6) return -bound;
  return Math.round((2 * Math.random() - 1) * bound);
}

/** Put a pair of elements there; only the first limb is above `others`. */
function put(at: number, first: number, others = first): void {
  for (let i = 0; i < LIMBS; i++) {
    for (const lane of [0, 1]) doubles[at / 8 + 2 * i + lane] = limb(i === 0 ? first : others);
  }
}

const limbs = (at: number) => [...doubles.subarray(at / 8, at / 8 + 2 * LIMBS)];
const modulo = (x: bigint) => ((x % PRIME) + PRIME) % PRIME;
function values(at: number): [bigint, bigint] {
  const value = (lane: number) =>
    limbs(at).reduce((sum, x, i) => sum + (i % 2 === lane ? BigInt(x) << BigInt(51 * (i >> 1)) : 0n), 0n);
  return [value(0), value(1)];
}

/** `out` is congruent to what both lanes should be, and its limbs keep to their bounds. */
function expectOut(expected: readonly bigint[], first: number, others: number): void {
  expect(values(out).map(modulo)).toEqual(expected.map(modulo));
  expect(limbs(out).every((x, i) => Number.isInteger(x) && Math.abs(x) <= (i < 2 ? first : others))).toBe(true);
}

const ROUNDS = 1000;

test("a product of a carried element and a sum of two", () => {
  for (let i = 0; i < ROUNDS; i++) {
    put(a, 2 * SETTLED);
    put(b, CARRIED, HALF);
    const [x, y] = [values(a), values(b)];
    field.multiply(out, a, b);
    expectOut([x[0] * y[0], x[1] * y[1]], CARRIED, HALF);
    field.multiply(out, b, a);
    expectOut([x[0] * y[0], x[1] * y[1]], CARRIED, HALF);
  }
});

test("a product that takes the place of its first factor", () => {
  put(a, CARRIED, HALF);
  put(b, CARRIED, HALF);
  const [x, y] = [values(a), values(b)];
  field.multiply(a, a, b);
  expect(values(a).map(modulo)).toEqual([modulo(x[0] * y[0]), modulo(x[1] * y[1])]);
});

test("squares of carried and of settled elements", () => {
  for (let i = 0; i < ROUNDS; i++) {
    if (i % 2 === 0) put(a, CARRIED, HALF);
    else put(a, SETTLED);
    const [x, y] = values(a);
    field.square(out, a);
    expectOut([x * x, y * y], CARRIED, HALF);
    field.square(a, a);
    expect(limbs(a)).toEqual(limbs(out));
  }
});

test("a sum with a multiple", () => {
  for (let i = 0; i < ROUNDS; i++) {
    put(a, CARRIED, HALF);
    put(b, 2 * CARRIED, 2 * HALF);
    const [x, y] = [values(a), values(b)];
    field.addScaled(out, a, A24, b);
    expectOut([x[0] + BigInt(A24) * y[0], x[1] + BigInt(A24) * y[1]], SETTLED, SETTLED);
  }
});

test.each([2, 4])("a sum of %i, settled", (terms) => {
  for (let i = 0; i < ROUNDS; i++) {
    put(out, terms * CARRIED, terms * HALF);
    const before = values(out);
    field.settle(out);
    expectOut(before, SETTLED, SETTLED);
  }
});
