/**
 * Poly1305 (RFC 8439 §2.5), called as in @noble/ciphers. A key is good for one message only.
 * A MAC in progress keeps its state in a JS array that `digest` and `destroy` wipe; it visits linear memory for each update.
 */
import { checkBytes, checkBytesOf, copyInto, lengthOf } from "./check.ts";
import { main } from "./ciphers-module.ts";
import { SpentError } from "./crypto-errors.ts";
import { CHUNK_BYTES, inChunks, KEY, STATE, STATE_BYTES } from "./memory.ts";

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

export class Poly1305 {
  readonly blockLen = BLOCK_BYTES;
  readonly outputLen = TAG_BYTES;
  readonly #state = new Uint8Array(STATE_BYTES);
  #finished = false;
  #destroyed = false;

  constructor(key: Uint8Array) {
    checkBytesOf(KEY_BYTES, key, "key");
    try {
      main.bytes.set(key, main.args + KEY);
      main.exports.poly1305Init(main.args + STATE, main.args + KEY);
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
      inChunks(main, data, (_at, length) => main.exports.poly1305Update(main.args + STATE, main.staging, length));
      main.saveState(this.#state);
    } finally {
      main.wipe(Math.min(lengthOf(data), CHUNK_BYTES));
    }
    return this;
  }

  /** @param output  the tag goes to its first 16 bytes */
  digestInto(output: Uint8Array): void {
    this.#checkUsable();
    checkBytes(output, "output");
    if (lengthOf(output) < TAG_BYTES) throw new RangeError(`"output" expected length >= ${TAG_BYTES}`);
    copyInto(output, this.#finish());
  }

  digest(): Uint8Array<ArrayBuffer> {
    this.#checkUsable();
    const tag = this.#finish();
    this.destroy();
    return tag;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#state.fill(0);
  }

  #finish(): Uint8Array<ArrayBuffer> {
    this.#finished = true;
    try {
      main.loadState(this.#state);
      main.exports.poly1305Final(main.args + STATE, main.staging);
      return main.take(TAG_BYTES);
    } finally {
      main.wipe(TAG_BYTES);
      this.#state.fill(0);
    }
  }

  #checkUsable(): void {
    if (this.#destroyed) throw new SpentError("the MAC was destroyed");
    if (this.#finished) throw new SpentError("digest() was already called");
  }
}

function tagOf(message: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  checkBytesOf(KEY_BYTES, key, "key");
  checkBytes(message, "data");
  const length = lengthOf(message);
  if (length > CHUNK_BYTES) return new Poly1305(key).update(message).digest();
  const { exports, bytes, args, staging } = main;
  try {
    bytes.set(key, args + KEY);
    bytes.set(message, staging);
    exports.poly1305(staging, staging, length, args + KEY);
    return main.take(TAG_BYTES);
  } finally {
    main.wipe(Math.max(length, TAG_BYTES));
  }
}

export const poly1305 = Object.assign(tagOf, {
  outputLen: TAG_BYTES,
  blockLen: BLOCK_BYTES,
  create: (key: Uint8Array): Poly1305 => new Poly1305(key),
});
