/**
 * `node:ffi`, part of Node since 26. Addresses and sizes travel as BigInt: that is what it takes. Each function keeps
 * the last one it was given, because on the packet path the next is mostly the same.
 */
import { type Backend, type Call, type Calls, type CLibrary, convertArguments, type RawCall } from "./signatures.ts";

const TYPES = { i: "i32", n: "u64", p: "pointer" } as const;

/** @returns undefined where Node has no FFI  @throws when the permission model denies it */
export function nodeBackend<Name extends string>(c: CLibrary<Name>): Backend<Name> | undefined {
  const ffi = loadNodeFfi();
  if (ffi === undefined) return undefined;
  const library = openFirst(ffi, c.files);
  const location = library.getFunction(c.errnoAt, { arguments: [], return: "pointer" })() as bigint;
  /** For all who bind: a process may have many devices. */
  const functions = new Map<Name, RawCall>();
  const functionOf = (name: Name): RawCall => {
    let call = functions.get(name);
    if (call === undefined) {
      const types = [...c.signatures[name]].map((kind) => TYPES[kind as keyof typeof TYPES]);
      call = library.getFunction(name, { arguments: types, return: "i32" });
      functions.set(name, call);
    }
    return call;
  };
  return {
    name: "node",
    addressOf: (bytes) => ffi.getRawPointer(bytes) + 0n,
    bind(base, use) {
      const bindOne = (name: Name): Call => {
        const address = keepLast((offset) => (offset === 0 ? 0n : base + BigInt(offset)));
        return convertArguments(functionOf(name), c.signatures[name], address, keepLast(BigInt));
      };
      const later = (name: Name): Call => {
        return (...args) => {
          calls[name] = bindOne(name);
          return calls[name](...args);
        };
      };
      const names = Object.keys(c.signatures) as Name[];
      // Each takes 0.1 ms. For packets, those of their path are never replaced, so that they are constants for the compiler; and
      // made in one go, the object has a shape that it knows.
      const atOnce = (name: Name): boolean => use === "packets" && c.packetPath.has(name);
      const entries = names.map((name) => [name, atOnce(name) ? bindOne(name) : later(name)]);
      const calls: Calls<Name> = Object.fromEntries(entries);
      return calls;
    },
    trimHeap() {
      try {
        library.getFunction("malloc_trim", { arguments: ["u64"], return: "i32" })(0n);
      } catch {
        // musl has none.
      }
    },
    errno: () => ffi.getInt32(location, 0),
  };
}

/** The conversion, not done again for the number it was done for last. */
function keepLast(convert: (value: number) => bigint): (value: number) => bigint {
  let from = 0;
  let to = convert(0);
  return (value) => {
    if (value !== from) {
      to = convert(value);
      from = value;
    }
    return to;
  };
}

type Ffi = typeof import("node:ffi");

/** Load the module without its ExperimentalWarning. Nothing else runs meanwhile, so no other warning is lost. */
export function loadNodeFfi(): Ffi | undefined {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.("node:ffi");
  } finally {
    process.emitWarning = emitWarning;
  }
}

function openFirst(ffi: Ffi, names: readonly string[]) {
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
