/**
 * Keys of a program that embeds a tunnel. Private and preshared keys are bytes and nothing else: strings cannot be
 * wiped. Public keys may be base64 text too.
 */

import { plainBytes } from "../event/bytes.ts";
import { KeyError } from "../event/device-errors.ts";
import { derivePublicKey } from "../keys/public-key.ts";
import { KEY_BYTES, keyFromBase64, keyToBase64, publicKeyText } from "../keys/text.ts";

/** 32 bytes, or their base64 text (44 characters). */
export type PublicKey = Uint8Array | string;

/** @returns 32 bytes that X25519 takes as they are (RFC 7748 §5); the caller wipes them after use */
export function generatePrivateKey(): Uint8Array<ArrayBuffer> {
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  key[0]! &= 248;
  key[31] = (key[31]! & 127) | 64;
  return key;
}

/** @returns 32 bytes; the caller wipes them after use */
export function generatePresharedKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}

/** @param privateKey 32 bytes, not kept @returns 32 bytes @throws KeyError */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return derivePublicKey(secretKey("privateKey", privateKey));
}

/** @param text 44 characters as bytes, e.g. read from a file; not kept @returns 32 bytes @throws KeyError */
export function decodeKey(text: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = plainBytes(text);
  const key = bytes && keyFromBase64(bytes);
  if (key === undefined) throw new KeyError("text");
  return key;
}

/** @returns 44 characters of base64 as bytes; the caller wipes them if the key is secret @throws KeyError */
export function encodeKey(key: Uint8Array): Uint8Array<ArrayBuffer> {
  return keyToBase64(keyBytes("bytes", key));
}

/** @returns 44 characters of base64. Not for secrets. @throws KeyError */
export function formatPublicKey(key: Uint8Array): string {
  return publicKeyText(keyBytes("publicKey", key));
}

/** @returns 32 bytes, a copy: whatever runs before they are used may change the program's own @throws KeyError */
export function publicKeyBytes(key: unknown): Uint8Array {
  return keyBytes("publicKey", typeof key === "string" ? keyFromBase64(asciiBytes(key)) : key).slice();
}

/** @returns a view of `key`, if it is 32 bytes and not all zero @throws KeyError */
export function secretKey(name: "privateKey" | "presharedKey", key: unknown): Uint8Array {
  const bytes = keyBytes(name, key);
  let any = 0;
  for (let i = 0; i < KEY_BYTES; i++) any |= bytes[i]!;
  if (any === 0) throw new KeyError(name);
  return bytes;
}

/** @returns a byte for each character; 0, which is valid nowhere, for one that is not ASCII */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => (char.charCodeAt(0) < 128 ? char.charCodeAt(0) : 0));
}

/** @returns a view of the 32 bytes that `key` has, whatever it says it has @throws KeyError */
function keyBytes(name: ConstructorParameters<typeof KeyError>[0], key: unknown): Uint8Array {
  const bytes = plainBytes(key);
  if (bytes?.length !== KEY_BYTES) throw new KeyError(name);
  return bytes;
}
