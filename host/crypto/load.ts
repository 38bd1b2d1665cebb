/**
 * Compiles a module of the package, at import, in the build that this runtime takes.
 * Compiled synchronously: importers need no top-level await, and CommonJS can `require` the package where Node allows it.
 */
import { decodeBase64 } from "../core/module.ts";
import { obstacle } from "../core/support.ts";
import { build } from "./build.ts";
import { UnsupportedRuntimeError } from "./crypto-errors.ts";

/** Base64, or what a runtime compiled itself: where code may not be compiled from bytes. */
type Binary = string | WebAssembly.Module;

/** A module, in the builds that this copy of the package carries. */
export interface Builds {
  readonly relaxed?: Binary;
  readonly simd?: Binary;
}

function compile(builds: Builds): WebAssembly.Module {
  const binary = builds[build]!;
  try {
    return typeof binary === "string" ? new WebAssembly.Module(decodeBase64(binary)) : binary;
  } catch (cause) {
    throw new UnsupportedRuntimeError(obstacle() ?? "no simd", cause);
  }
}

const imports = {
  env: {
    abort() {
      throw new Error("the crypto module aborted");
    },
  },
};

/** @returns what makes an instance, each with a memory of its own */
export function load<Exports>(builds: Builds): () => Exports {
  const module = compile(builds);
  return () => new WebAssembly.Instance(module, imports).exports as unknown as Exports;
}
