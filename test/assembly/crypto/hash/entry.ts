// @ts-nocheck: AssemblyScript, compiled by modules.ts
// BLAKE2s, HMAC and the KDFs as the core has them, with memory as in a module of wasmguard/crypto.
export { blake2sBegin, blake2sRest } from "../../../../assembly/crypto/blake2s-key";
export { kdf1, kdf2, kdf3 } from "../../../../assembly/crypto/hkdf";
export * from "../../../../assembly/crypto/modules/blake2s";
