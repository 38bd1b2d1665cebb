/**
 * `node:ffi`, part of Node since 26. Addresses and sizes travel as BigInt: that is what it takes,
 * and `base + BigInt(offset)` costs some 10 ns.
 */
import { type Backend, type Call, type Calls, convertArguments, libraryNames, SIGNATURES } from "./signatures.ts";

const TYPES = { i: "i32", n: "u64", p: "pointer" } as const;

/** @returns undefined where Node has no FFI  @throws when the permission model denies it */
export function nodeBackend(arch: string): Backend | undefined {
  const ffi = loadQuietly();
  if (ffi === undefined) return undefined;
  const library = openFirst(ffi, libraryNames(arch));
  const location = library.getFunction("__errno_location", { arguments: [], return: "pointer" })() as bigint;
  return {
    name: "node",
    addressOf: (bytes) => ffi.getRawPointer(bytes) + 0n,
    bind(base) {
      const at = (offset: number) => (offset === 0 ? 0n : base + BigInt(offset));
      const size = (value: number) => BigInt(value);
      const calls: Record<string, Call> = {};
      for (const [name, shape] of Object.entries(SIGNATURES)) {
        const types = [...shape].map((kind) => TYPES[kind as keyof typeof TYPES]);
        calls[name] = convertArguments(library.getFunction(name, { arguments: types, return: "i32" }), shape, at, size);
      }
      return calls as Calls;
    },
    errno: () => ffi.getInt32(location, 0),
  };
}

type Ffi = typeof import("node:ffi");

/** Load the module without its ExperimentalWarning. Nothing else runs meanwhile, so no other warning is lost. */
function loadQuietly(): Ffi | undefined {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.("node:ffi");
  } finally {
    process.emitWarning = emitWarning;
  }
}

function openFirst(ffi: Ffi, names: string[]) {
  let cause: unknown;
  for (const name of names) {
    try {
      return new ffi.DynamicLibrary(name);
    } catch (error) {
      cause = error;
    }
  }
  throw cause;
}
