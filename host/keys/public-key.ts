/**
 * The public key of a private key (X25519 with the base point, RFC 7748 §6.1). Computed in linear memory, which keeps
 * nothing of the private key.
 */
import { x25519 } from "../crypto/x25519.ts";

/** @param privateKey  32 bytes, not kept. @returns 32 bytes */
export function derivePublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(x25519.getPublicKey(privateKey));
}
