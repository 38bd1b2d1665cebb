/**
 * Keys that stay inside: handles whose bytes live in linear memory only. They are made there (random), copied in once
 * (import; wipe your own array afterwards), or derived there from each other; nothing here gives them back to JS.
 *
 *   SecretKey --diffieHellman--> SharedSecret --deriveKey--> AeadKey --seal, open
 *
 * `destroy()`, or the end of a `using` scope, wipes the key; using it later throws KeyDestroyedError.
 */
import { LONG_NONCE_BYTES, NONCE_BYTES, openWith, sealWith, TAG_BYTES } from "./aead.ts";
import { checkBytes, checkBytesOf, lengthOf, ownOptions } from "./check.ts";
import { InvalidLengthError, LowOrderPointError } from "./crypto-errors.ts";
import { KeyHandle } from "./key-arena.ts";
import { KEY, main, NONCE, STAGING_BYTES } from "./memory.ts";

const KEY_BYTES = 32;
const PUBLIC_KEY = NONCE;
const PSEUDORANDOM_KEY = KEY;
/** HKDF's number of the first and only block. */
const FIRST_BLOCK = 1;

type Bytes = Uint8Array<ArrayBuffer>;

/** Random bytes, straight into linear memory. */
function randomAt(address: number): void {
  crypto.getRandomValues(main.bytes.subarray(address, address + KEY_BYTES));
}

/** @throws TypeError, RangeError */
function importAt(bytes: Uint8Array): (address: number) => void {
  checkBytesOf(KEY_BYTES, bytes, "key");
  // Bounded: a buffer that grows on another thread must not reach into the next slot.
  return (address) => main.bytes.subarray(address, address + KEY_BYTES).set(bytes);
}

/** An X25519 secret key. */
export class SecretKey extends KeyHandle {
  static generate(): SecretKey {
    return new SecretKey(randomAt);
  }

  /** @param bytes  32 bytes; copied. Wipe them when nothing else needs them */
  static import(bytes: Uint8Array): SecretKey {
    return new SecretKey(importAt(bytes));
  }

  /** @returns 32 bytes, not secret */
  publicKey(): Bytes {
    const secret = KeyHandle.addressOf(this);
    try {
      main.exports.x25519Base(main.staging, secret);
      return main.take(KEY_BYTES);
    } finally {
      main.wipe(KEY_BYTES);
    }
  }

  /** @param publicKey  the other side's, 32 bytes. @throws LowOrderPointError */
  diffieHellman(publicKey: Uint8Array): SharedSecret {
    const secret = KeyHandle.addressOf(this);
    checkBytesOf(KEY_BYTES, publicKey, "public key");
    return new SharedSecret((address) => {
      try {
        main.bytes.set(publicKey, main.args + PUBLIC_KEY);
        if (!main.exports.x25519(address, secret, main.args + PUBLIC_KEY)) throw new LowOrderPointError();
      } finally {
        main.wipe(0);
      }
    });
  }
}

export interface DeriveOptions {
  /** What the key is for. Different texts give independent keys: name the protocol, the direction, both public keys. */
  readonly info?: Uint8Array | undefined;
  /** Not secret, may be random; without it, zeros. */
  readonly salt?: Uint8Array | undefined;
}

/** What two sides have in common after X25519. Not a key yet: derive one. */
export class SharedSecret extends KeyHandle {
  /** HKDF (RFC 5869) with BLAKE2s: one block of output. */
  deriveKey(options: DeriveOptions = {}): AeadKey {
    const { info = new Uint8Array(), salt = new Uint8Array() } = ownOptions(options);
    checkBytes(info, "info");
    checkBytes(salt, "salt");
    const [infoLength, saltLength] = [lengthOf(info), lengthOf(salt)];
    const secret = KeyHandle.addressOf(this);
    const used = Math.max(infoLength + 1, saltLength);
    if (used > STAGING_BYTES) throw new RangeError(`"info" and "salt" expected less than ${STAGING_BYTES} bytes`);
    const { exports, bytes, args, staging } = main;
    return new AeadKey((address) => {
      try {
        bytes.set(salt, staging);
        exports.hmac(args + PSEUDORANDOM_KEY, staging, saltLength, secret, KEY_BYTES);
        bytes.set(info, staging);
        bytes[staging + infoLength] = FIRST_BLOCK;
        exports.hmac(address, args + PSEUDORANDOM_KEY, KEY_BYTES, staging, infoLength + 1);
      } finally {
        main.wipe(used);
      }
    });
  }
}

/** A key of ChaCha20-Poly1305 (12-byte nonces) and XChaCha20-Poly1305 (24-byte nonces). Use one kind of nonce per key. */
export class AeadKey extends KeyHandle {
  static generate(): AeadKey {
    return new AeadKey(randomAt);
  }

  /** @param bytes  32 bytes; copied. Wipe them when nothing else needs them */
  static import(bytes: Uint8Array): AeadKey {
    return new AeadKey(importAt(bytes));
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
