/** The module of BLAKE2s, and of HMAC that is made of it, behind pointers. */
export { BLAKE2S_BYTES, blake2s, blake2sFinal, blake2sInit, blake2sUpdate } from "../blake2s";
export { blake2sBlock, blake2sReplace } from "../blake2s-replace";
export { hmac } from "../hkdf";
export { heap, scratch } from "./own-memory";
