/**
 * `Deno.dlopen`. Addresses are passed as u64, not as pointer objects; Deno's compiled calls take a
 * BigInt there (a number falls back to the slow path, 130 ns dearer).
 */
import { type Backend, type Call, type Calls, type CLibrary, convertArguments, type RawCall } from "./signatures.ts";

const TYPES = { i: "i32", n: "u64", p: "u64" } as const;

type Definition = { parameters: string[]; result: string };
interface DenoFfi {
  permissions: { querySync(descriptor: { name: "ffi" }): { state: string } };
  dlopen(path: string, symbols: Record<string, Definition>): { symbols: Record<string, RawCall> };
  UnsafePointer: { of(bytes: Uint8Array): object; value(pointer: object): bigint };
  UnsafePointerView: new (pointer: object) => { getInt32(offset: number): number };
}

/** @throws when Deno runs without --allow-ffi; nobody is asked for it */
export function denoBackend<Name extends string>(c: CLibrary<Name>): Backend<Name> {
  const deno = (globalThis as unknown as { Deno: DenoFfi }).Deno;
  if (deno.permissions.querySync({ name: "ffi" }).state !== "granted") throw new Error("Deno runs without --allow-ffi");
  const definitions: Record<string, Definition> = { [c.errnoAt]: { parameters: [], result: "pointer" } };
  for (const [name, shape] of Object.entries<string>(c.signatures)) {
    definitions[name] = { parameters: [...shape].map((kind) => TYPES[kind as keyof typeof TYPES]), result: "i32" };
  }
  const symbols = openFirst(deno, c.files, definitions);
  const location = new deno.UnsafePointerView(symbols[c.errnoAt]!() as unknown as object);
  return {
    name: "deno",
    addressOf: (bytes) => BigInt(deno.UnsafePointer.value(deno.UnsafePointer.of(bytes))),
    bind(base) {
      const at = (offset: number) => (offset === 0 ? 0n : base + BigInt(offset));
      const size = (value: number) => BigInt(value);
      const calls: Record<string, Call> = {};
      for (const [name, shape] of Object.entries<string>(c.signatures)) {
        calls[name] = convertArguments(symbols[name]!, shape, at, size);
      }
      return calls as Calls<Name>;
    },
    errno: () => location.getInt32(0),
  };
}

function openFirst(deno: DenoFfi, names: readonly string[], definitions: Record<string, Definition>) {
  let cause: unknown;
  for (const name of names) {
    try {
      return deno.dlopen(name, definitions).symbols;
    } catch (error) {
      cause = error;
    }
  }
  throw cause;
}
