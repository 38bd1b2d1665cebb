/** The letters of signatures.ts to what the runtimes' FFI take, alike in all of them: what has 64 bits travels as BigInt. */
import type { Calls } from "./signatures.ts";

const ARGUMENTS = { i: "i32", u: "u32", n: "u64", h: "u64", p: "u64", a: "u64" } as const;
const RESULTS = { ...ARGUMENTS, v: "void" } as const;

export interface NativeShape {
  readonly types: readonly (typeof ARGUMENTS)[keyof typeof ARGUMENTS][];
  readonly result: (typeof RESULTS)[keyof typeof RESULTS];
}

type Argument = number | bigint;
type Convert = (value: Argument) => Argument;
export type NativeCall = (...args: Argument[]) => Argument;
type Table = Readonly<Record<string, string>>;

/** As the runtimes name the types. */
export function nativeShapes<T extends Table>(table: T): Record<keyof T & string, NativeShape> {
  const shapes = Object.entries(table).map(([name, shape]) => {
    const [letters = "", result = "v"] = shape.split(":");
    const types = [...letters].map((letter) => ARGUMENTS[letter as keyof typeof ARGUMENTS]);
    return [name, { types, result: RESULTS[result as keyof typeof RESULTS] }];
  });
  return Object.fromEntries(shapes) as Record<keyof T & string, NativeShape>;
}

/** @param native the functions as the runtime hands them out  @param base that offsets are counted from */
export function bindCalls<T extends Table>(native: (name: string) => NativeCall, table: T, base: bigint): Calls<T> {
  const entries = Object.entries(table).map(([name, shape]) => {
    const [letters = "", result = "v"] = shape.split(":");
    return [name, convert(native(name), letters, result, base)];
  });
  return Object.fromEntries(entries) as Calls<T>;
}

function convert(call: NativeCall, letters: string, result: string, base: bigint): NativeCall {
  const ways = [...letters].map((letter) => wayOf(letter, base));
  const inner = (...args: Argument[]): Argument => {
    for (let i = 0; i < ways.length; i++) args[i] = ways[i]!(args[i]!);
    return call(...args);
  };
  return result === "h" ? (...args) => Number(BigInt.asIntN(64, inner(...args) as bigint)) : inner;
}

function wayOf(letter: string, base: bigint): Convert {
  switch (letter) {
    case "p":
      return (value) => (value === 0 ? 0n : base + BigInt(value));
    case "n":
      return (value) => BigInt(value);
    case "h":
      return (value) => BigInt.asUintN(64, BigInt(value));
    default:
      return (value) => value;
  }
}
