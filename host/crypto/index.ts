/**
 * wasmguard/crypto: ChaCha20-Poly1305, BLAKE2s and X25519 in WebAssembly with SIMD. Synchronous after import, in Node,
 * Deno, Bun and browsers. The calls are those of @noble/ciphers, @noble/hashes and @noble/curves 2.x.
 */
export { type Aead, type AeadCipher, chacha20poly1305, xchacha20poly1305 } from "./aead.ts";
export { Blake2s, type Blake2sOptions, blake2s } from "./blake2s.ts";
export { chacha20, type StreamCipher, xchacha20 } from "./chacha.ts";
export * from "./errors.ts";
export { build } from "./load.ts";
export { Poly1305, poly1305 } from "./poly1305.ts";
export { x25519 } from "./x25519.ts";
