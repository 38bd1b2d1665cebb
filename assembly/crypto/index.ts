/**
 * The crypto module: the primitives behind pointers, in a memory of its own.
 * Memory: constants, this instance's scratch memory (page-aligned), and from `heap()` on whatever the host puts
 * there. The host grows the memory to fit; nothing here allocates. Pointers are byte offsets, lengths are u32.
 */
import { SCRATCH_BYTES, setScratch } from "../memory/scratch";

export { aeadBegin, aeadEnd, aeadOpen, aeadOpenNext, aeadSeal, aeadSealNext } from "./aead";
export { openBatch, sealBatch } from "./batch";
export { BLAKE2S_BYTES, blake2s, blake2sFinal, blake2sInit, blake2sUpdate } from "./blake2s";
export { blake2sBlock, blake2sReplace } from "./blake2s-replace";
export { chacha20, hchacha20, xchacha20 } from "./chacha20";
export { equal, equal16, isZero } from "./constant-time";
export { hmac, kdf1, kdf2, kdf3 } from "./hkdf";
export { poly1305 } from "./poly1305";
export { POLY1305_BYTES, poly1305Final, poly1305Init, poly1305Update } from "./poly1305-stream";
export { x25519, x25519Base } from "./x25519";
export { xaeadOpen, xaeadSeal } from "./xaead";

const SCRATCH_ALIGNMENT: usize = 4096;
const WASM_PAGE: usize = 65536;

const base: usize = (__heap_base + SCRATCH_ALIGNMENT - 1) & ~(SCRATCH_ALIGNMENT - 1);
const end: usize = base + SCRATCH_BYTES;
const missing = <i32>((end + WASM_PAGE - 1) / WASM_PAGE) - memory.size();
if (missing > 0) memory.grow(missing);
setScratch(base);

/** Start of this instance's scratch memory: SCRATCH_BYTES that tests look into. */
export function scratch(): usize {
  return base;
}

/** First byte that belongs to the host. */
export function heap(): usize {
  return end;
}
