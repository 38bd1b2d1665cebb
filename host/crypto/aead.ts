/**
 * ChaCha20-Poly1305 (RFC 8439 §2.8) and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), called as in @noble/ciphers.
 * Input and output may overlap in any way, and a failed decrypt leaves the output as it was.
 */
import { checkBytes, checkBytesOf, lengthOf } from "./check.ts";
import { InvalidLengthError, SpentError } from "./crypto-errors.ts";
import { KEY_BYTES, LONG_NONCE_BYTES, NONCE_BYTES, openWith, sealWith, TAG_BYTES } from "./sealing.ts";

const BLOCK_BYTES = 64;

export interface AeadCipher {
  /** @returns ciphertext and tag: `output` if given. Once per instance: a nonce must not serve two messages */
  encrypt(plaintext: Uint8Array, output?: Uint8Array): Uint8Array<ArrayBuffer>;
  /** @returns the plaintext: `output` if given. @throws InvalidTagError */
  decrypt(ciphertext: Uint8Array, output?: Uint8Array): Uint8Array<ArrayBuffer>;
}

export interface Aead {
  (key: Uint8Array, nonce: Uint8Array, aad?: Uint8Array): AeadCipher;
  readonly blockSize: number;
  readonly nonceLength: number;
  readonly tagLength: number;
  readonly withAAD: true;
}

function aead(nonceLength: number): Aead {
  const create = (key: Uint8Array, nonce: Uint8Array, aad?: Uint8Array): AeadCipher => {
    checkBytes(key, "key");
    checkBytesOf(nonceLength, nonce, "nonce");
    if (aad !== undefined) checkBytes(aad, "AAD");
    let spent = false;
    return {
      encrypt(plaintext, output) {
        if (spent) throw new SpentError("cannot encrypt twice with the same key and nonce: make a new cipher");
        spent = true;
        checkBytes(plaintext, "data");
        if (output !== undefined) checkBytesOf(lengthOf(plaintext) + TAG_BYTES, output, "output");
        checkBytesOf(KEY_BYTES, key, "key");
        checkBytesOf(nonceLength, nonce, "nonce");
        return sealWith(key, nonce, plaintext, aad, output);
      },
      decrypt(ciphertext, output) {
        checkBytes(ciphertext, "data");
        if (lengthOf(ciphertext) < TAG_BYTES) throw new InvalidLengthError("the ciphertext is shorter than its tag");
        if (output !== undefined) checkBytesOf(lengthOf(ciphertext) - TAG_BYTES, output, "output");
        checkBytesOf(KEY_BYTES, key, "key");
        checkBytesOf(nonceLength, nonce, "nonce");
        return openWith(key, nonce, ciphertext, aad, output);
      },
    };
  };
  return Object.assign(create, { blockSize: BLOCK_BYTES, nonceLength, tagLength: TAG_BYTES, withAAD: true as const });
}

/** ChaCha20-Poly1305. A 12-byte nonce is too short to be random: count. */
export const chacha20poly1305: Aead = /* @__PURE__ */ aead(NONCE_BYTES);

/** XChaCha20-Poly1305. A 24-byte nonce may be random. */
export const xchacha20poly1305: Aead = /* @__PURE__ */ aead(LONG_NONCE_BYTES);
