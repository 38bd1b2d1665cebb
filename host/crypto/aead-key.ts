/**
 * Keys of the AEADs that stay inside: their bytes live in linear memory only. They are made there (random), copied in once
 * (import; wipe your own array afterwards), or derived from a shared secret; nothing here gives them back to JS.
 */
import { checkBytes, checkBytesOf, lengthOf } from "./check.ts";
import { main } from "./ciphers-module.ts";
import { InvalidLengthError } from "./crypto-errors.ts";
import { copyOf, type FillSlot, KeyArena, KeyHandle, randomKey } from "./key-arena.ts";
import { LONG_NONCE_BYTES, NONCE_BYTES, openWith, sealWith, TAG_BYTES } from "./sealing.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const arena = new KeyArena("AeadKey", main);

/** A key of ChaCha20-Poly1305 (12-byte nonces) and XChaCha20-Poly1305 (24-byte nonces). Use one kind of nonce per key. */
export class AeadKey extends KeyHandle {
  constructor(fill: FillSlot) {
    super(arena, fill);
  }

  static generate(): AeadKey {
    return new AeadKey(randomKey);
  }

  /** @param bytes  32 bytes; copied. Wipe them when nothing else needs them */
  static import(bytes: Uint8Array): AeadKey {
    return new AeadKey(copyOf(bytes));
  }

  /**
   * @param nonce   12 or 24 bytes, never the same twice under one key
   * @param output  plaintext.length + 16 bytes; may overlap the plaintext
   * @returns       ciphertext and tag: `output` if given
   */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array, output?: Uint8Array): Bytes {
    const key = KeyHandle.addressOf(this);
    checkNonce(nonce);
    checkBytes(plaintext, "data");
    if (aad !== undefined) checkBytes(aad, "AAD");
    if (output !== undefined) checkBytesOf(lengthOf(plaintext) + TAG_BYTES, output, "output");
    return sealWith(key, nonce, plaintext, aad, output);
  }

  /**
   * @param output  sealed.length - 16 bytes; may overlap the ciphertext; not touched when the tag is wrong
   * @returns       the plaintext: `output` if given
   * @throws InvalidTagError
   */
  open(nonce: Uint8Array, sealed: Uint8Array, aad?: Uint8Array, output?: Uint8Array): Bytes {
    const key = KeyHandle.addressOf(this);
    checkNonce(nonce);
    checkBytes(sealed, "data");
    if (lengthOf(sealed) < TAG_BYTES) throw new InvalidLengthError("the ciphertext is shorter than its tag");
    if (aad !== undefined) checkBytes(aad, "AAD");
    if (output !== undefined) checkBytesOf(lengthOf(sealed) - TAG_BYTES, output, "output");
    return openWith(key, nonce, sealed, aad, output);
  }
}

function checkNonce(nonce: Uint8Array): void {
  checkBytes(nonce, "nonce");
  const length = lengthOf(nonce);
  if (length !== NONCE_BYTES && length !== LONG_NONCE_BYTES) {
    throw new RangeError(`"nonce" expected ${NONCE_BYTES} or ${LONG_NONCE_BYTES} bytes, got ${length}`);
  }
}
