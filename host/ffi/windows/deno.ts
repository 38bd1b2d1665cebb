/** `Deno.dlopen` on Windows. */
import { bindCalls, type NativeCall, nativeShapes } from "./arguments.ts";
import type { Backend } from "./signatures.ts";

interface DenoFfi {
  permissions: { querySync(descriptor: { name: "ffi" }): { state: string } };
  dlopen(
    path: string,
    symbols: Record<string, { parameters: readonly string[]; result: string }>,
  ): { symbols: Record<string, NativeCall> };
  UnsafePointer: { of(bytes: Uint8Array): object; value(pointer: object): bigint };
}

/** @throws when Deno runs without --allow-ffi; nobody is asked for it */
export function denoBackend(): Backend {
  const deno = (globalThis as unknown as { Deno: DenoFfi }).Deno;
  if (deno.permissions.querySync({ name: "ffi" }).state !== "granted") throw new Error("Deno runs without --allow-ffi");
  return {
    name: "deno",
    addressOf: (bytes) => BigInt(deno.UnsafePointer.value(deno.UnsafePointer.of(bytes))),
    bind(path, table, base) {
      const definitions = Object.entries(nativeShapes(table)).map(([name, { types, result }]) => [
        name,
        { parameters: types, result },
      ]);
      const { symbols } = deno.dlopen(path, Object.fromEntries(definitions));
      return bindCalls((name) => symbols[name]!, table, base);
    },
  };
}
