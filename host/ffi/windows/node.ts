/** `node:ffi` on Windows. What has 64 bits travels as BigInt: that is what it takes. */
import { loadNodeFfi } from "../node.ts";
import type { Backend, Calls } from "./signatures.ts";

const ARGUMENTS = { i: "i32", u: "u32", n: "u64", h: "u64", p: "u64", a: "u64" } as const;
const RESULTS = { ...ARGUMENTS, v: "void" } as const;

type Argument = number | bigint;
type Convert = (value: Argument) => Argument;

/** @returns undefined where Node has no FFI  @throws when the permission model denies it */
export function nodeBackend(): Backend | undefined {
  const ffi = loadNodeFfi();
  if (ffi === undefined) return undefined;
  return {
    name: "node",
    addressOf: (bytes) => ffi.getRawPointer(bytes) + 0n,
    bind<Table extends Readonly<Record<string, string>>>(path: string, table: Table, base: bigint) {
      const library = new ffi.DynamicLibrary(path);
      const entries = Object.entries(table).map(([name, shape]) => {
        const [letters = "", result = "v"] = shape.split(":");
        const types = [...letters].map((letter) => ARGUMENTS[letter as keyof typeof ARGUMENTS]);
        const call = library.getFunction(name, { arguments: types, return: RESULTS[result as keyof typeof RESULTS] });
        return [name, convert(call as (...args: Argument[]) => Argument, letters, result, base)];
      });
      return Object.fromEntries(entries) as Calls<Table>;
    },
  };
}

function convert(call: (...args: Argument[]) => Argument, letters: string, result: string, base: bigint) {
  const ways = [...letters].map((letter) => wayOf(letter, base));
  const inner = (...args: Argument[]): Argument => {
    for (let i = 0; i < ways.length; i++) args[i] = ways[i]!(args[i]!);
    return call(...args);
  };
  return result === "h" ? (...args: Argument[]) => Number(BigInt.asIntN(64, inner(...args) as bigint)) : inner;
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
