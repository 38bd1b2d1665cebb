/**
 * BLAKE2s (RFC 7693): plain, keyed, salted, personalised, called as in @noble/hashes.
 * A hash in progress keeps its state in a JS array that `digest` and `destroy` wipe; it visits linear memory for each
 * update, so any number of them may exist without being destroyed.
 */
import { main } from "./blake2s-module.ts";
import { checkBytes, checkBytesOf, checkWhole, copyInto, isBytes, lengthOf, offsetOf, ownOptions } from "./check.ts";
import { InvalidLengthError, SpentError } from "./crypto-errors.ts";
import { CHUNK_BYTES, inChunks, KEY, NONCE, STATE, STATE_BYTES } from "./memory.ts";

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const SALT_BYTES = 8;
const SALT = NONCE;
const PERSONALIZATION = NONCE + SALT_BYTES;

export interface Blake2sOptions {
  /** Bytes of output: 1 to 32, 32 by default. */
  readonly dkLen?: number | undefined;
  /** 1 to 32 bytes: makes the hash a MAC. */
  readonly key?: Uint8Array | undefined;
  /** 8 bytes. */
  readonly salt?: Uint8Array | undefined;
  /** 8 bytes. */
  readonly personalization?: Uint8Array | undefined;
}

/** @returns the length of the output. @throws TypeError, RangeError, InvalidLengthError */
function checkOptions({ dkLen = HASH_BYTES, key, salt, personalization }: Blake2sOptions): number {
  checkWhole(dkLen, "dkLen");
  if (dkLen < 1 || dkLen > HASH_BYTES) throw new InvalidLengthError(`"dkLen" expected 1 to ${HASH_BYTES}`);
  if (key !== undefined) {
    checkBytes(key, "key");
    if (lengthOf(key) < 1 || lengthOf(key) > HASH_BYTES)
      throw new InvalidLengthError(`"key" expected 1 to ${HASH_BYTES} bytes`);
  }
  if (salt !== undefined) checkBytesOf(SALT_BYTES, salt, "salt");
  if (personalization !== undefined) checkBytesOf(SALT_BYTES, personalization, "personalization");
  return dkLen;
}

/** Start a hash at STATE. */
function start(outputLength: number, { key, salt, personalization }: Blake2sOptions): void {
  const { exports, bytes, args } = main;
  if (key !== undefined) bytes.set(key, args + KEY);
  if (salt !== undefined) bytes.set(salt, args + SALT);
  if (personalization !== undefined) bytes.set(personalization, args + PERSONALIZATION);
  exports.blake2sInit(
    args + STATE,
    outputLength,
    args + KEY,
    key === undefined ? 0 : lengthOf(key),
    salt === undefined ? 0 : args + SALT,
    personalization === undefined ? 0 : args + PERSONALIZATION,
  );
}

/** Absorb into the hash at STATE. An empty array has nothing to copy, also when its buffer is gone. */
function absorb(data: Uint8Array): void {
  if (lengthOf(data) === 0) return;
  inChunks(main, data, (_at, length) => main.exports.blake2sUpdate(main.args + STATE, main.staging, length));
}

const NO_OPTIONS: Blake2sOptions = Object.freeze(Object.create(null));

export class Blake2s {
  readonly blockLen = BLOCK_BYTES;
  readonly outputLen: number;
  readonly canXOF = false;
  readonly #state = new Uint8Array(STATE_BYTES);
  #finished = false;
  #destroyed = false;

  constructor(options: Blake2sOptions = NO_OPTIONS) {
    const own = ownOptions(options);
    this.outputLen = checkOptions(own);
    try {
      start(this.outputLen, own);
      main.saveState(this.#state);
    } finally {
      main.wipe(0);
    }
  }

  update(data: Uint8Array): this {
    this.#checkUsable();
    checkBytes(data, "data");
    try {
      main.loadState(this.#state);
      absorb(data);
      main.saveState(this.#state);
    } finally {
      main.wipe(Math.min(lengthOf(data), CHUNK_BYTES));
    }
    return this;
  }

  /** @param output  the digest goes to its first `outputLen` bytes; must begin at a multiple of four in its buffer */
  digestInto(output: Uint8Array): void {
    this.#checkUsable();
    checkBytes(output, "output");
    if (lengthOf(output) < this.outputLen) throw new RangeError(`"output" expected length >= ${this.outputLen}`);
    if (offsetOf(output) & 3) throw new RangeError('"output" expected to begin at a multiple of four');
    copyInto(output, this.#finish());
  }

  digest(): Uint8Array<ArrayBuffer> {
    this.#checkUsable();
    const digest = this.#finish();
    this.destroy();
    return digest;
  }

  /** A hash in the same state. */
  clone(): Blake2s {
    return this._cloneInto();
  }

  /** As `clone`, into an existing hash: what HMAC of @noble/hashes calls. */
  _cloneInto(to: Blake2s = new Blake2s({ dkLen: this.outputLen })): Blake2s {
    to.#state.set(this.#state);
    to.#finished = this.#finished;
    to.#destroyed = this.#destroyed;
    (to as { outputLen: number }).outputLen = this.outputLen;
    return to;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#state.fill(0);
  }

  #finish(): Uint8Array<ArrayBuffer> {
    this.#finished = true;
    try {
      main.loadState(this.#state);
      main.exports.blake2sFinal(main.args + STATE, main.staging);
      return main.take(this.outputLen);
    } finally {
      main.wipe(HASH_BYTES);
      this.#state.fill(0);
    }
  }

  #checkUsable(): void {
    if (this.#destroyed) throw new SpentError("the hash was destroyed");
    if (this.#finished) throw new SpentError("digest() was already called");
  }
}

/** A message that fits, without salt and personalisation: one Wasm call, which wipes what it was given. */
function shortDigest(message: Uint8Array, outputLength: number, key?: Uint8Array): Uint8Array<ArrayBuffer> {
  const { exports, bytes, args, staging } = main;
  const length = lengthOf(message);
  const keyLength = key === undefined ? 0 : lengthOf(key);
  if (length > 0) bytes.set(message, staging);
  if (key !== undefined) bytes.set(key, args + KEY);
  exports.blake2sReplace(staging, outputLength, length, args + KEY, keyLength);
  return main.take(outputLength);
}

// What hashing a single block needs, as constants: even loading them from `main` would be 4 % of its time. The views stay
// valid, for the main memory never grows.
const { blake2sBlock } = main.exports;
const AT = main.staging;
const DIGEST = new Uint8Array(main.bytes.buffer, AT, HASH_BYTES);
const DIGEST_WORDS = new Float64Array(main.bytes.buffer, AT, HASH_BYTES / Float64Array.BYTES_PER_ELEMENT);
const BLOCK = new Uint8Array(main.bytes.buffer, AT + HASH_BYTES, BLOCK_BYTES);

/** Plain BLAKE2s of a message of `length` bytes, up to 64. */
function blockDigest(message: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (length > 0) BLOCK.set(message);
  blake2sBlock(AT, length);
  const digest = new Uint8Array(DIGEST);
  DIGEST_WORDS[0] = DIGEST_WORDS[1] = DIGEST_WORDS[2] = DIGEST_WORDS[3] = 0;
  return digest;
}

/** Any message, any options. */
function anyDigest(message: Uint8Array, options?: Blake2sOptions): Uint8Array<ArrayBuffer> {
  const own = options === undefined ? NO_OPTIONS : ownOptions(options);
  const outputLength = options === undefined ? HASH_BYTES : checkOptions(own);
  checkBytes(message, "data");
  if (lengthOf(message) <= CHUNK_BYTES && own.salt === undefined && own.personalization === undefined) {
    return shortDigest(message, outputLength, own.key);
  }
  try {
    start(outputLength, own);
    absorb(message);
    main.exports.blake2sFinal(main.args + STATE, main.staging);
    return main.take(outputLength);
  } finally {
    main.wipe(Math.max(Math.min(lengthOf(message), CHUNK_BYTES), HASH_BYTES));
  }
}

/** Small, so that engines inline it. To ask for the length once more would be a twentieth of so short a hash. */
function digestOf(message: Uint8Array, options?: Blake2sOptions): Uint8Array<ArrayBuffer> {
  if (options === undefined && isBytes(message)) {
    const length = lengthOf(message);
    if (length <= BLOCK_BYTES) return blockDigest(message, length);
  }
  return anyDigest(message, options);
}

export const blake2s = Object.freeze(
  Object.assign(digestOf, {
    outputLen: HASH_BYTES,
    blockLen: BLOCK_BYTES,
    canXOF: false,
    create: (options?: Blake2sOptions): Blake2s => new Blake2s(options),
  }),
);
