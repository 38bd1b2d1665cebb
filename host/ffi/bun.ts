/** `bun:ffi`: pointers are plain numbers there, so an address costs one addition. */
import { type Backend, type Call, type Calls, type CLibrary, convertArguments } from "./signatures.ts";

const TYPES = { i: "i32", n: "usize", p: "ptr" } as const;

interface BunFfi {
  dlopen(path: string, symbols: Record<string, { args: string[]; returns: string }>): { symbols: Record<string, Call> };
  ptr(bytes: Uint8Array): number;
  read: { i32(address: number, offset: number): number };
}

export async function bunBackend<Name extends string>(c: CLibrary<Name>): Promise<Backend<Name>> {
  // A variable, because only Bun can resolve it: compilers and bundlers must not try.
  const specifier = "bun:ffi";
  const ffi = (await import(/* webpackIgnore: true */ /* @vite-ignore */ specifier)) as BunFfi;
  const definitions: Record<string, { args: string[]; returns: string }> = {
    [c.errnoAt]: { args: [], returns: "ptr" },
  };
  for (const [name, shape] of Object.entries<string>(c.signatures)) {
    definitions[name] = { args: [...shape].map((kind) => TYPES[kind as keyof typeof TYPES]), returns: "i32" };
  }
  const symbols = openFirst(ffi, c.files, definitions);
  const location = symbols[c.errnoAt]!();
  return {
    name: "bun",
    addressOf: (bytes) => BigInt(ffi.ptr(bytes)),
    bind(base) {
      const start = Number(base);
      const at = (offset: number) => (offset === 0 ? 0 : start + offset);
      const size = (value: number) => value;
      const calls = Object.entries<string>(c.signatures).map(([name, shape]) => [
        name,
        convertArguments(symbols[name]!, shape, at, size),
      ]);
      return Object.fromEntries(calls) as Calls<Name>;
    },
    errno: () => ffi.read.i32(location, 0),
  };
}

function openFirst(
  ffi: BunFfi,
  names: readonly string[],
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
