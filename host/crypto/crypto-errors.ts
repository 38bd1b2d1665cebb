/**
 * What wasmguard/crypto can throw beside TypeError (wrong type) and RangeError (wrong length or value).
 * Each has a stable `code`. No message ever holds a byte of a key or of a message.
 */

import { OBSTACLE_STEPS, OBSTACLES, type Obstacle } from "../core/support.ts";

export abstract class CryptoError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;

  /** Stated in each class, for bundlers shorten the names of classes. */
  abstract override readonly name: string;
}

/** The message was not sealed with this key, nonce and associated data, or has changed since. */
export class InvalidTagError extends CryptoError {
  override readonly name: string = "InvalidTagError";
  readonly code = "INVALID_TAG";
  constructor() {
    super("invalid tag");
  }
}

/** A ciphertext that is too short to have a tag, a nonce of another cipher, a digest or key length that BLAKE2s does not have. */
export class InvalidLengthError extends CryptoError {
  override readonly name: string = "InvalidLengthError";
  readonly code = "INVALID_LENGTH";
}

/** The public key has small order: the shared secret would be zero, whatever the private key. */
export class LowOrderPointError extends CryptoError {
  override readonly name: string = "LowOrderPointError";
  readonly code = "LOW_ORDER_POINT";
  constructor() {
    super("the public key has small order");
  }
}

/** A cipher that has encrypted, a hash that has given its digest or was destroyed: make a new one. */
export class SpentError extends CryptoError {
  override readonly name: string = "SpentError";
  readonly code = "SPENT";
}

/** The output begins inside the input, which would be overwritten before it is read. */
export class OverlapError extends CryptoError {
  override readonly name: string = "OverlapError";
  readonly code = "OVERLAP";
  constructor() {
    super("the output begins inside the input: let it begin at or before the input, or apart from it");
  }
}

/** The block counter of ChaCha20 would pass 2^32 - 2. */
export class CounterOverflowError extends CryptoError {
  override readonly name: string = "CounterOverflowError";
  readonly code = "COUNTER_OVERFLOW";
  constructor() {
    super("the block counter would overflow");
  }
}

/** A handle was used after `destroy()`. */
export class KeyDestroyedError extends CryptoError {
  override readonly name: string = "KeyDestroyedError";
  readonly code = "KEY_DESTROYED";
  constructor() {
    super("the key was destroyed");
  }
}

/** More handles are alive than the arena has slots: destroy those that are no longer needed. */
export class KeyArenaFullError extends CryptoError {
  override readonly name: string = "KeyArenaFullError";
  readonly code = "KEY_ARENA_FULL";
  constructor(slots: number) {
    super(`all ${slots} key slots are in use: destroy keys that are no longer needed`);
  }
}

/** The module cannot be loaded: no WebAssembly, none that may be compiled, or none with SIMD. */
export class UnsupportedRuntimeError extends CryptoError {
  override readonly name: string = "UnsupportedRuntimeError";
  readonly code = "UNSUPPORTED_RUNTIME";
  constructor(obstacle: Obstacle, cause: unknown) {
    super(`${OBSTACLES[obstacle]}: ${OBSTACLE_STEPS[obstacle]}`, { cause });
  }
}
