/**
 * What wasmguard/crypto can throw beside TypeError (wrong type) and RangeError (wrong length or value).
 * Each has a stable `code`. No message ever holds a byte of a key or of a message.
 */

export abstract class CryptoError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The message was not sealed with this key, nonce and associated data, or has changed since. */
export class InvalidTagError extends CryptoError {
  readonly code = "INVALID_TAG";
  constructor() {
    super("invalid tag");
  }
}

/** A ciphertext that is too short to have a tag, a nonce of another cipher, a digest or key length that BLAKE2s does not have. */
export class InvalidLengthError extends CryptoError {
  readonly code = "INVALID_LENGTH";
}

/** The public key has small order: the shared secret would be zero, whatever the private key. */
export class LowOrderPointError extends CryptoError {
  readonly code = "LOW_ORDER_POINT";
  constructor() {
    super("the public key has small order");
  }
}

/** A cipher that has encrypted, a hash that has given its digest or was destroyed: make a new one. */
export class SpentError extends CryptoError {
  readonly code = "SPENT";
}

/** The output begins inside the input, which would be overwritten before it is read. */
export class OverlapError extends CryptoError {
  readonly code = "OVERLAP";
  constructor() {
    super("the output begins inside the input: let it begin at or before the input, or apart from it");
  }
}

/** The block counter of ChaCha20 would pass 2^32 - 2. */
export class CounterOverflowError extends CryptoError {
  readonly code = "COUNTER_OVERFLOW";
  constructor() {
    super("the block counter would overflow");
  }
}

/** A handle was used after `destroy()`. */
export class KeyDestroyedError extends CryptoError {
  readonly code = "KEY_DESTROYED";
  constructor() {
    super("the key was destroyed");
  }
}

/** More handles are alive than the arena has slots: destroy those that are no longer needed. */
export class KeyArenaFullError extends CryptoError {
  readonly code = "KEY_ARENA_FULL";
  constructor(slots: number) {
    super(`all ${slots} key slots are in use: destroy keys that are no longer needed`);
  }
}

/** This runtime has no WebAssembly with SIMD. */
export class UnsupportedRuntimeError extends CryptoError {
  readonly code = "UNSUPPORTED_RUNTIME";
  constructor(cause: unknown) {
    super("this runtime has no WebAssembly SIMD: use Node 20 or newer, Deno, Bun, or a browser of 2023 or newer", {
      cause,
    });
  }
}
