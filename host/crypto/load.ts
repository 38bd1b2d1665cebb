/**
 * Picks the build of the crypto module that this runtime validates, and compiles it once, at import.
 * Compiled synchronously: importers need no top-level await, and CommonJS can `require` the package where Node allows it.
 */
import { decodeBase64 } from "../core/module.ts";
import { obstacle } from "../core/support.ts";
import { build } from "./build.ts";
import { UnsupportedRuntimeError } from "./crypto-errors.ts";
import type { WasmExports } from "./generated/exports.ts";
import relaxed from "./generated/relaxed.ts";
import simd from "./generated/simd.ts";

export type CryptoExports = typeof WasmExports;

function compile(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(decodeBase64(build === "relaxed" ? relaxed : simd));
  } catch (cause) {
    throw new UnsupportedRuntimeError(obstacle() ?? "no simd", cause);
  }
}

const module = compile();

const imports = {
  env: {
    abort() {
      throw new Error("the crypto module aborted");
    },
  },
};

/** A further instance, with a memory of its own. */
export function instantiate(): CryptoExports {
  return new WebAssembly.Instance(module, imports).exports as unknown as CryptoExports;
}
