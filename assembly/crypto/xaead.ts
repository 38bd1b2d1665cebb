/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2): ChaCha20-Poly1305 under a subkey that HChaCha20 derives
 * from the key and the first 16 bytes of a 24-byte nonce. WireGuard uses it for cookies. Buffers as in aead.ts.
 */
import { aeadOpen, aeadSeal } from "./aead";
import { hchacha20, innerNonce } from "./chacha20";
import { Symmetric } from "./layout";

/** Encrypt and authenticate: writes `length` + 16 bytes. */
export function xaeadSeal(
  dst: usize,
  src: usize,
  length: u32,
  key: usize,
  nonce24: usize,
  aad: usize,
  aadLength: u32,
): void {
  const subkey = Symmetric.subkey;
  const nonce = Symmetric.nonce;
  hchacha20(subkey, key, nonce24);
  innerNonce(nonce, nonce24);
  aeadSeal(dst, src, length, subkey, nonce, aad, aadLength);
}

/** Verify and decrypt. @returns false when the tag is wrong; no plaintext is left in `dst` then */
export function xaeadOpen(
  dst: usize,
  src: usize,
  length: u32,
  key: usize,
  nonce24: usize,
  aad: usize,
  aadLength: u32,
): bool {
  const subkey = Symmetric.subkey;
  const nonce = Symmetric.nonce;
  hchacha20(subkey, key, nonce24);
  innerNonce(nonce, nonce24);
  return aeadOpen(dst, src, length, subkey, nonce, aad, aadLength);
}
