/** `bun:ffi` on Windows. */
import { bindCalls, type NativeCall, nativeShapes } from "./arguments.ts";
import type { Backend } from "./signatures.ts";

interface BunFfi {
  dlopen(
    path: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, NativeCall> };
  ptr(bytes: Uint8Array): number;
}

export async function bunBackend(): Promise<Backend> {
  // A variable, because only Bun can resolve it: compilers and bundlers must not try.
  const specifier = "bun:ffi";
  const ffi = (await import(/* webpackIgnore: true */ /* @vite-ignore */ specifier)) as BunFfi;
  return {
    name: "bun",
    addressOf: (bytes) => BigInt(ffi.ptr(bytes)),
    bind(path, table, base) {
      const definitions = Object.entries(nativeShapes(table)).map(([name, { types, result }]) => [
        name,
        { args: types, returns: result },
      ]);
      const { symbols } = ffi.dlopen(path, Object.fromEntries(definitions));
      return bindCalls((name) => symbols[name]!, table, base);
    },
  };
}
