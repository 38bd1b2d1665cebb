/**
 * The public key of a private key (X25519 with the base point, RFC 7748 §6.1). Computed in linear memory, which keeps
 * nothing of the private key.
 * By the build of the module that every runtime takes, in an instance that is made when the first key is asked for: a second build would be a
 * twelfth of each bundle with the library, and a key or two is all that it would be quicker for.
 */
import { decodeBase64 } from "../core/module.ts";
import { obstacle } from "../core/support.ts";
import { simd, type WasmExports } from "../crypto/generated/x25519.ts";
import { UnsupportedRuntimeError } from "../errors.ts";

const KEY_BYTES = 32;

let instance: typeof WasmExports | undefined;

/** @throws UnsupportedRuntimeError */
function instantiate(): typeof WasmExports {
  const missing = obstacle();
  if (missing !== undefined) throw new UnsupportedRuntimeError(missing);
  const module = new WebAssembly.Module(decodeBase64(simd));
  const exports = new WebAssembly.Instance(module).exports as unknown as typeof WasmExports;
  exports.memory.grow(1); // its heap may begin where its memory ends
  return exports;
}

/** @param privateKey  32 bytes, not kept. @returns 32 bytes @throws UnsupportedRuntimeError */
export function derivePublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  instance ??= instantiate();
  const at = instance.heap();
  const key = new Uint8Array(instance.memory.buffer as ArrayBuffer, at, KEY_BYTES);
  try {
    key.set(privateKey);
    instance.x25519Base(at, at);
    return key.slice();
  } finally {
    key.fill(0);
  }
}
