// Multiples by tables of a point, in both builds: what the ladder and noble make of it; and which points have no tables.
import { randomBytes } from "node:crypto";
import { x25519 as noble } from "@noble/curves/ed25519.js";
import { beforeAll, describe, expect, test } from "vitest";
import wycheproof from "../../../vectors/wycheproof-x25519.json" with { type: "json" };
import vectors from "../../../vectors/x25519.json" with { type: "json" };
import { BUILDS, compile } from "../compile.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  scratch(): number;
  area(): number;
  tableBytes(): number;
  makeTables(count: number, tables: number, point: number, other: number, otherPoint: number): number;
  multiple(out: number, count: number, tables: number, scalar: number): void;
  invertAll(numbers: number, count: number, area: number): number;
}

const PRIME = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const A = 486662n;
const SECRET_SCRATCH_BYTES = 40_960;
const CLEAN = Buffer.alloc(SECRET_SCRATCH_BYTES);
const COUNTS = [1, 2, 8];

const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
const littleEndian = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const numberOf = (bytes: Uint8Array) => BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);

function power(base: bigint, exponent: bigint): bigint {
  let [result, x] = [1n, base % PRIME];
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * x) % PRIME;
    x = (x * x) % PRIME;
  }
  return result;
}

/** By Euler's criterion: v² = u³ + A u² + u. */
function isOnCurve(point: Uint8Array): boolean {
  const u = (numberOf(point) & (2n ** 255n - 1n)) % PRIME;
  return power(u * (u * (u + A) + 1n), (PRIME - 1n) / 2n) !== PRIME - 1n;
}

function randomPoint(where: "on the curve" | "on its twist"): Uint8Array {
  for (;;) {
    const point = Uint8Array.from(randomBytes(32));
    if (isOnCurve(point) === (where === "on the curve")) return point;
  }
}

const inverse = (x: bigint) => power(mod(x), PRIME - 2n);
const mod = (x: bigint) => ((x % PRIME) + PRIME) % PRIME;

/** @param square of something */
function root(square: bigint): bigint {
  const candidate = power(square, (PRIME + 3n) / 8n);
  return mod(candidate ** 2n - square) === 0n ? candidate : mod(candidate * power(2n, (PRIME - 1n) / 4n));
}

/** u of the sums with points of small order: of order 2, with u = 0, and of order 4, with u = 1. */
function withSmallOrder(u: bigint): bigint[] {
  const v = root(mod(u ** 3n + A * u ** 2n + u));
  const slopes = [1n, -1n].map((sign) => (sign * v - root(A + 2n)) * inverse(u - 1n));
  return [inverse(u), ...slopes.map((slope) => mod(slope ** 2n - A - u - 1n))];
}

describe.each(Object.keys(BUILDS) as (keyof typeof BUILDS)[])("combs, %s build", (build) => {
  let module: Exports;
  let memory: Uint8Array;
  const align = (address: number) => (address + 15) & ~15;

  beforeAll(async () => {
    module = await compile<Exports>("comb/entry.ts", build);
    module.memory.grow(2);
    memory = new Uint8Array(module.memory.buffer);
  });

  const tablesAt = (which: 0 | 1) => align(module.area() + 256) + 8 * module.tableBytes() * which;

  function clean<T>(result: T): T {
    const scratch = memory.subarray(module.scratch(), module.scratch() + SECRET_SCRATCH_BYTES);
    expect(CLEAN.equals(scratch)).toBe(true);
    return result;
  }

  /** @returns for which of both there are tables */
  function make(count: number, one: Uint8Array, other: Uint8Array): number {
    const point = module.area() + 1;
    memory.set(one, point);
    memory.set(other, point + 32);
    memory.fill(0, tablesAt(0), tablesAt(1) + 8 * module.tableBytes());
    return clean(module.makeTables(count, tablesAt(0), point, tablesAt(1), point + 32));
  }

  function multiple(count: number, which: 0 | 1, scalar: Uint8Array): string {
    const at = module.area() + 3;
    memory.set(scalar, at);
    module.multiple(at + 64, count, tablesAt(which), at);
    return clean(hex(memory.slice(at + 64, at + 96)));
  }

  const ladder = (scalar: Uint8Array, point: Uint8Array) => hex(noble.scalarMult(scalar, point));

  test.each(COUNTS)("of %d tables: random scalars and points, both of a pair", (count) => {
    for (let i = 0; i < 6; i++) {
      const points = [randomPoint("on the curve"), randomPoint("on the curve")] as const;
      expect(make(count, ...points)).toBe(3);
      for (let j = 0; j < 10; j++) {
        const scalar = randomBytes(32);
        expect(multiple(count, 0, scalar)).toBe(ladder(scalar, points[0]));
        expect(multiple(count, 1, scalar)).toBe(ladder(scalar, points[1]));
      }
    }
  });

  test.each(COUNTS)("of %d tables: extreme scalars, around the order and its multiples", (count) => {
    const points = [littleEndian(9n), randomPoint("on the curve")] as const;
    expect(make(count, ...points)).toBe(3);
    const near = [-17n, -16n, -9n, -8n, -1n, 0n, 1n, 7n, 8n, 9n, 16n, 17n];
    const orders = near.flatMap((d) => [ORDER + d, 4n * ORDER + d, 8n * ORDER + d, 2n ** 254n + d, 2n ** 255n + d]);
    const nibbles = Array.from({ length: 16 }, (_, i) => BigInt(`0x${i.toString(16).repeat(64)}`));
    for (const value of [0n, 1n, 8n, 15n, 16n, 24n, ...nibbles, ...orders]) {
      const scalar = littleEndian(value);
      expect(multiple(count, 0, scalar), `${value}`).toBe(ladder(scalar, points[0]));
      expect(multiple(count, 1, scalar), `${value}`).toBe(ladder(scalar, points[1]));
    }
  });

  test.each([1, 2, 5])("inverses of %d numbers may be multiplied by a sum of two, as multiples are", (count) => {
    const at = module.area();
    for (let i = 0; i < 20; i++) {
      const numbers = Array.from({ length: count }, () => littleEndian(mod(numberOf(randomBytes(32)))));
      numbers.forEach((number, n) => {
        memory.set(number, at + 32 * n);
      });
      // What a product leaves at the most (scripts/kernels/field-fma.mjs).
      expect(clean(module.invertAll(at, count, align(at + 256)))).toBeLessThan(2 ** 50 + 2 ** 12);
      const inverses = numbers.map((_, n) => numberOf(memory.slice(at + 32 * n, at + 32 * n + 32)));
      expect(inverses).toEqual(numbers.map((number) => inverse(numberOf(number))));
    }
  });

  test("a point on the twist has no table, and harms the other's in nothing", () => {
    for (let i = 0; i < 10; i++) {
      const [good, twisted] = [randomPoint("on the curve"), randomPoint("on its twist")];
      expect(make(1, good, twisted)).toBe(1);
      expect(memory.subarray(tablesAt(1), tablesAt(1) + module.tableBytes()).some((byte) => byte !== 0)).toBe(false);
      const scalar = randomBytes(32);
      expect(multiple(1, 0, scalar)).toBe(ladder(scalar, good));
      expect(make(1, twisted, good)).toBe(2);
      expect(multiple(1, 1, scalar)).toBe(ladder(scalar, good));
      expect(make(1, twisted, twisted)).toBe(0);
    }
  });

  test.each([...vectors.smallOrder, hex(littleEndian(PRIME - 1n))])("nor has %s, of small order, or -1", (text) => {
    const good = randomPoint("on the curve");
    expect(make(1, bytesOf(text), good)).toBe(2);
    const scalar = randomBytes(32);
    expect(multiple(1, 1, scalar)).toBe(ladder(scalar, good));
  });

  test("what small order a point has in it goes, as by the ladder", () => {
    for (let i = 0; i < 5; i++) {
      const u = mod(numberOf(randomPoint("on the curve")) & (2n ** 255n - 1n));
      const scalar = randomBytes(32);
      const wanted = ladder(scalar, littleEndian(u));
      for (const point of withSmallOrder(u).map(littleEndian)) {
        expect(make(1, point, littleEndian(u))).toBe(3);
        expect(ladder(scalar, point)).toBe(wanted);
        expect([multiple(1, 0, scalar), multiple(1, 1, scalar)]).toEqual([wanted, wanted]);
      }
    }
  });

  test("every encoding that is not canonical counts modulo p, and bit 255 not at all", () => {
    for (let value = PRIME; value < 2n ** 255n; value++) {
      const pair = [littleEndian(value), littleEndian(value + 2n ** 255n)] as const;
      const made = make(1, ...pair);
      if (made === 0) continue;
      expect(made).toBe(3);
      const scalar = randomBytes(32);
      const wanted = ladder(scalar, littleEndian(value - PRIME));
      expect([multiple(1, 0, scalar), multiple(1, 1, scalar)]).toEqual([wanted, wanted]);
    }
  });

  test("all of Wycheproof's that are on the curve, and none of the others", () => {
    let made = 0;
    for (const [number, , scalar, point, shared] of wycheproof.x25519 as [number, ...string[]][]) {
      const [key, bytes] = [bytesOf(scalar!), bytesOf(point!)];
      const possible = make(1, bytes, bytes);
      const expected = isOnCurve(bytes) && shared !== "00".repeat(32) ? 3 : 0;
      expect(possible, `${number}`).toBe(expected);
      if (possible === 0) continue;
      made++;
      expect(multiple(1, 0, key), `${number}`).toBe(shared);
    }
    expect(made).toBeGreaterThan(200);
  });
});
