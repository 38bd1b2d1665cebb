/** `bun:ffi`: pointers are plain numbers there, so an address costs one addition. */
import { type Backend, type Call, type Calls, convertArguments, libraryNames, SIGNATURES } from "./signatures.ts";

const TYPES = { i: "i32", n: "usize", p: "ptr" } as const;

interface BunFfi {
  dlopen(path: string, symbols: Record<string, { args: string[]; returns: string }>): { symbols: Record<string, Call> };
  ptr(bytes: Uint8Array): number;
  read: { i32(address: number, offset: number): number };
}

export async function bunBackend(arch: string): Promise<Backend> {
  // A variable, because only Bun can resolve it: compilers and bundlers must not try.
  const specifier = "bun:ffi";
  const ffi = (await import(/* webpackIgnore: true */ /* @vite-ignore */ specifier)) as BunFfi;
  const definitions: Record<string, { args: string[]; returns: string }> = {
    __errno_location: { args: [], returns: "ptr" },
  };
  for (const [name, shape] of Object.entries(SIGNATURES)) {
    definitions[name] = { args: [...shape].map((kind) => TYPES[kind as keyof typeof TYPES]), returns: "i32" };
  }
  const symbols = openFirst(ffi, libraryNames(arch), definitions);
  const location = symbols.__errno_location!();
  return {
    name: "bun",
    addressOf: (bytes) => BigInt(ffi.ptr(bytes)),
    bind(base) {
      const start = Number(base);
      const at = (offset: number) => (offset === 0 ? 0 : start + offset);
      const size = (value: number) => value;
      const calls = Object.entries(SIGNATURES).map(([name, shape]) => [
        name,
        convertArguments(symbols[name]!, shape, at, size),
      ]);
      return Object.fromEntries(calls) as Calls;
    },
    errno: () => ffi.read.i32(location, 0),
  };
}

function openFirst(
  ffi: BunFfi,
  names: string[],
  definitions: Record<string, { args: string[]; returns: string }>,
): Record<string, Call> {
  let cause: unknown;
  for (const name of names) {
    try {
      return ffi.dlopen(name, definitions).symbols;
    } catch (error) {
      cause = error;
    }
  }
  throw cause;
}
