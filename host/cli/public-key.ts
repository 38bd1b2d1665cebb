/**
 * The public key of a private key (X25519 with the base point, RFC 7748 §6.1).
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { KEY_BYTES } from "./key-text.ts";

/** PKCS #8 around a raw X25519 private key (RFC 8410 §7), up to the key itself. */
const PKCS8_PREFIX = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32);

/** @param privateKey  32 bytes, not kept. @returns 32 bytes */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  const der = Buffer.alloc(PKCS8_PREFIX.length + KEY_BYTES);
  der.set(PKCS8_PREFIX);
  der.set(privateKey, PKCS8_PREFIX.length);
  try {
    const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
    return Uint8Array.from(key.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES));
  } finally {
    der.fill(0);
  }
}
