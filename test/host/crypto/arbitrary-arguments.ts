/**
 * Arguments of every kind, good and bad, as recipes: each library gets values of its own made from the same recipe.
 * Views of data and output may lie in one buffer, so that they overlap.
 */
import fc from "fast-check";
import { noise } from "../../support/bytes.ts";

const ARENA_BYTES = 4096;

/** The buffer of one call that data and output share. */
export type Arena = Uint8Array<ArrayBuffer>;

const CONTENT = noise(ARENA_BYTES, 77);

export const newArena = (): Arena => new Uint8Array(CONTENT);

export interface Recipe {
  readonly text: string;
  readonly make: (arena: Arena) => unknown;
}

const named = (text: string, make: (arena: Arena) => unknown): Recipe => ({ text, make });

function detached(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** What is no Uint8Array at all, or one that is gone. */
export const NOT_BYTES: readonly Recipe[] = [
  named("undefined", () => undefined),
  named("null", () => null),
  named("a number", () => 32),
  named("a string", () => "x".repeat(32)),
  named("true", () => true),
  named("an array", () => new Array(32).fill(1)),
  named("an object", () => ({ length: 32 })),
  named("an ArrayBuffer", () => new ArrayBuffer(32)),
  named("a DataView", () => new DataView(new ArrayBuffer(32))),
  named("a Uint16Array", () => new Uint16Array(32)),
  named("an Int8Array", () => new Int8Array(32)),
  named("a Uint8ClampedArray", () => new Uint8ClampedArray(32)),
  named("a detached array", () => detached(32)),
];

/** Bytes of this length in one of the shapes they come in. */
export function bytesOf(length: number, seed: number, offset: number): Recipe[] {
  const content = CONTENT.subarray(seed, seed + length);
  const shift = (bytes: Uint8Array) => {
    const view = new Uint8Array(bytes.length + offset + 5).subarray(offset, offset + bytes.length);
    view.set(bytes);
    return view;
  };
  return [
    named(`${length} bytes`, () => new Uint8Array(content)),
    named(`${length} bytes at ${offset}`, () => shift(content)),
    named(`a Buffer of ${length}`, () => Buffer.from(content)),
    named(`${length} shared bytes`, () => shared(content)),
  ];
}

/** Mostly `lengths`; some others; some nonsense. */
export function arbitraryBytes(...lengths: number[]): fc.Arbitrary<Recipe> {
  const length = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...lengths) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 70 }) },
  );
  const bytes = fc
    .tuple(length, fc.integer({ min: 0, max: 999 }), fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 3 }))
    .map(([size, seed, offset, shape]) => bytesOf(size, seed, offset)[shape]!);
  return fc.oneof({ weight: 9, arbitrary: bytes }, { weight: 1, arbitrary: fc.constantFrom(...NOT_BYTES) });
}

/** A message of some length and an output that is `more` bytes longer, or wrong; both may lie in the arena. */
export function arbitraryDataAndOutput(more: number): fc.Arbitrary<[Recipe, Recipe]> {
  const view = (offset: number, length: number) =>
    named(`arena ${offset}+${length}`, (arena) => arena.subarray(offset, offset + length));
  const inArena = fc
    .tuple(fc.integer({ min: 0, max: 400 }), fc.nat(700), fc.nat(700), fc.constantFrom(0, 0, 0, 0, -1, 1, 16, -16))
    .map(([length, from, to, wrong]): [Recipe, Recipe] => [
      view(from, length),
      view(to, Math.max(0, length + more + wrong)),
    ]);
  const nearby = fc
    .tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 500, max: 600 }), fc.integer({ min: -80, max: 80 }))
    .map(([length, from, distance]): [Recipe, Recipe] => [view(from, length), view(from + distance, length + more)]);
  const apart = fc.tuple(arbitraryBytes(0, 1, 16, 64, 255, 1420), arbitraryBytes(more, 1 + more, 64 + more));
  const without = arbitraryBytes(0, 1, 16, 63, 64, 65, 300).map((data): [Recipe, Recipe] => [data, NOT_BYTES[0]!]);
  return fc.oneof(inArena, nearby, apart, without);
}

const one = (value: unknown): Recipe => named(typeof value === "bigint" ? `${value}n` : String(value), () => value);

const NUMBERS = [undefined, 0, 1, 7, 2 ** 32 - 1, 2 ** 32 - 2, 2 ** 32 - 3, 2 ** 32, 2 ** 53, -1, 0.5, NaN, Infinity];
const NOT_NUMBERS = ["1", 1n, null, true, {}];

export const arbitraryNumber = (...more: number[]): fc.Arbitrary<Recipe> =>
  fc.constantFrom(...more, ...NUMBERS, ...NOT_NUMBERS).map(one);

/** Options of BLAKE2s: nonsense, or an object with some properties. */
export function arbitraryBlake2sOptions(): fc.Arbitrary<Recipe> {
  const properties = fc.record(
    {
      dkLen: arbitraryNumber(1, 16, 20, 31, 32, 33, 32, 32, 16),
      key: arbitraryBytes(0, 1, 16, 32, 33),
      salt: arbitraryBytes(8),
      personalization: arbitraryBytes(8),
      other: arbitraryBytes(8),
    },
    { requiredKeys: [] },
  );
  const object = properties.map((recipes) =>
    named(JSON.stringify(Object.entries(recipes).map(([key, { text }]) => `${key}: ${text}`)), (arena) =>
      Object.fromEntries(Object.entries(recipes).map(([key, { make }]) => [key, make(arena)])),
    ),
  );
  class Options {
    dkLen = 16;
  }
  const odd = fc.constantFrom(
    one(undefined),
    one(null),
    one(3),
    one("x"),
    named("an array", () => []),
    named("a class instance", () => new Options()),
    named("no prototype", () => Object.assign(Object.create(null), { dkLen: 8 })),
    named("inherited", () => Object.create({ dkLen: 8 })),
    named("own __proto__", () => JSON.parse('{"__proto__": {"dkLen": 8}}')),
    named("bytes", () => new Uint8Array(8)),
  );
  return fc.oneof({ weight: 5, arbitrary: object }, { weight: 1, arbitrary: odd });
}

/** Keep fast-check's report readable. */
export const texts = (recipes: readonly Recipe[]): string => recipes.map(({ text }) => text).join(", ");
