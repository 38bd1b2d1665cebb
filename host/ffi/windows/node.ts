/** `node:ffi` on Windows. */
import { loadNodeFfi } from "../node.ts";
import { bindCalls, type NativeCall, nativeShapes } from "./arguments.ts";
import type { Backend } from "./signatures.ts";

/** @returns undefined where Node has no FFI  @throws when the permission model denies it */
export function nodeBackend(): Backend | undefined {
  const ffi = loadNodeFfi();
  if (ffi === undefined) return undefined;
  return {
    name: "node",
    addressOf: (bytes) => ffi.getRawPointer(bytes) + 0n,
    bind(path, table, base) {
      const library = new ffi.DynamicLibrary(path);
      const shapes = nativeShapes(table);
      const native = (name: keyof typeof shapes): NativeCall => {
        const { types, result } = shapes[name];
        return library.getFunction(name, { arguments: types, return: result }) as NativeCall;
      };
      return bindCalls(native as (name: string) => NativeCall, table, base);
    },
  };
}
