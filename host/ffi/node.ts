/**
 * `node:ffi`, part of Node since 26. Addresses and sizes travel as BigInt: that is what it takes. Each function keeps
 * the last one it was given, because on the packet path the next is mostly the same.
 */
import {
  type Backend,
  type Call,
  type Calls,
  type CLibrary,
  convertArguments,
  convertEach,
  type RawCall,
} from "./signatures.ts";

const TYPES = { i: "i32", n: "u64", p: "pointer" } as const;
/**
 * Of each argument of the packet path. Node looks numbers up in a table of its integer types, for each argument again: 190 ns of a call with
 * three, which takes 160 if they are pointers. An int has a register of 64 bits to itself on x86_64 and arm64, and whoever takes one reads
 * the lower half.
 */
const PACKET_TYPE = "pointer";

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
      const isPacketPath = c.packetPath.has(name);
      const types = [...c.signatures[name]].map((kind) =>
        isPacketPath ? PACKET_TYPE : TYPES[kind as keyof typeof TYPES],
      );
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
        const address = () => keepLast((offset) => (offset === 0 ? 0n : base + BigInt(offset)));
        const shape: string = c.signatures[name];
        if (!c.packetPath.has(name)) return convertArguments(functionOf(name), shape, address(), keepLast(BigInt));
        return convertEach(
          functionOf(name),
          Array.from(shape, (kind) => (kind === "p" ? address() : keepLast(register))),
        );
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

/** As an int or a size lies in a register. */
function register(value: number): bigint {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value);
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
