/** The module of the ciphers: ChaCha20, Poly1305, and what is made of both, behind pointers. */
export { aeadBegin, aeadEnd, aeadOpen, aeadOpenNext, aeadSeal, aeadSealNext } from "../aead";
export { openBatch, sealBatch } from "../batch";
export { chacha20, hchacha20, xchacha20 } from "../chacha20";
export { equal, equal16, isZero } from "../constant-time";
export { poly1305 } from "../poly1305";
export { POLY1305_BYTES, poly1305Final, poly1305Init, poly1305Update } from "../poly1305-stream";
export { xaeadOpen, xaeadSeal } from "../xaead";
export { heap, scratch } from "./own-memory";
