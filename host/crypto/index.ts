/**
 * wasmguard/crypto: ChaCha20-Poly1305, BLAKE2s and X25519 in WebAssembly with SIMD. Synchronous after import, in Node,
 * Deno, Bun and browsers. The functions are called like those of @noble/ciphers, @noble/hashes and @noble/curves 2.x;
 * beside them are keys that never leave linear memory, and batches.
 *
 * Constant time: no branch and no address depends on a secret. Additions, multiplications, shifts and selects by masks
 * are all that touches one; scalars steer permutation masks, table look-ups read the whole table, tags are compared as a
 * whole. Lengths are public. bench/dudect looks for a difference in the running time of the compiled code.
 * Hygiene: no plaintext leaves linear memory before its tag is verified; every call wipes what it wrote there, also when
 * it throws.
 */
export { type Aead, type AeadCipher, chacha20poly1305, xchacha20poly1305 } from "./aead.ts";
export { AeadKey } from "./aead-key.ts";
export { AeadBatch } from "./batch.ts";
export { Blake2s, type Blake2sOptions, blake2s } from "./blake2s.ts";
export { build } from "./build.ts";
export { chacha20, type StreamCipher, xchacha20 } from "./chacha.ts";
export {
  CounterOverflowError,
  CryptoError,
  InvalidLengthError,
  InvalidTagError,
  KeyArenaFullError,
  KeyDestroyedError,
  LowOrderPointError,
  OverlapError,
  SpentError,
  UnsupportedRuntimeError,
} from "./crypto-errors.ts";
export { Poly1305, poly1305 } from "./poly1305.ts";
export { SecretKey } from "./secret-key.ts";
export { type DeriveOptions, SharedSecret } from "./shared-secret.ts";
export { x25519, x25519Pair } from "./x25519.ts";
