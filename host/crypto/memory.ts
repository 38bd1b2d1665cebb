/**
 * How bytes get in and out of linear memory. Each module has a main memory of its own.
 * Layout: constants | scratch of the primitives | key slots | arguments | staging area, which ends the memory, so that
 * no input can run over into anything else. A main memory never grows and its views never go stale. Inputs that do
 * not fit are either passed through in chunks (hashes, stream ciphers) or worked on in a second memory, which grows, is
 * held weakly, and is given back by the garbage collector.
 * Rule: whoever fills arguments or staging area wipes what it filled before it returns or throws.
 */
import { bufferOf, lengthOf, offsetOf } from "./check.ts";

const WASM_PAGE_BYTES = 65_536;
export const KEY_SLOT_BYTES = 32;
export const KEY_SLOTS = 4096;
/** Largest input of a main memory. */
export const STAGING_BYTES = 1 << 20;
/** Largest input of all: addresses stay below 2^31. */
export const STAGED_MAX = 2 ** 31 - (1 << 20);
/** Inputs that need no second look go through in pieces that stay in the processor's cache; a multiple of 64. */
export const CHUNK_BYTES = 32_768;

// Offsets in the arguments, and their size.
export const KEY = 0; // 32 bytes
export const NONCE = 32; // 32 bytes; also a public key, or salt and personalisation
export const STATE = 64; // 128 bytes: a hash or MAC in progress; or the second pair of keys, and two results
const ARGUMENT_BYTES = 192;
export const STATE_BYTES = 128;
/** Hashes, tags and X25519 results are no longer than this. */
export const SHORT_BYTES = 32;

/** What every module exports. */
interface OwnMemory {
  readonly memory: WebAssembly.Memory;
  /** Where our part of it begins. */
  heap(): number;
}

export class Workspace<Exports extends OwnMemory> {
  readonly exports: Exports;
  /** Where the key slots begin; keySlots × 32 bytes. */
  readonly slots: number;
  /** Where the arguments begin. */
  readonly args: number;
  /** Where the staging area begins: aligned to 64 bytes, right after the arguments. */
  readonly staging: number;
  /** All of linear memory. Do not keep it over a `reserve`. */
  bytes: Uint8Array<ArrayBuffer>;
  // Views at the staging area and the state, kept because making one costs more than copying a packet.
  #last: Uint8Array<ArrayBuffer>;
  #state: Uint8Array<ArrayBuffer>;
  #short: Uint8Array<ArrayBuffer>;
  #words: Float64Array<ArrayBuffer>;

  /** @param exports  of a new instance */
  constructor(exports: Exports, keySlots: number, stagingBytes: number) {
    this.exports = exports;
    this.slots = this.exports.heap();
    this.args = this.slots + keySlots * KEY_SLOT_BYTES;
    this.staging = this.args + ARGUMENT_BYTES;
    this.bytes = this.#last = this.#state = this.#short = new Uint8Array();
    this.#words = new Float64Array();
    this.reserve(stagingBytes);
  }

  /** Make room for `bytes` bytes of staging area. @throws RangeError when the runtime has no more memory */
  reserve(bytes: number): void {
    const { memory } = this.exports;
    const missing = this.staging + bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
    if (this.bytes.buffer === memory.buffer) return;
    const buffer = memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer);
    this.#last = new Uint8Array(buffer, this.staging, 0);
    this.#state = new Uint8Array(buffer, this.args + STATE, STATE_BYTES);
    this.#short = new Uint8Array(buffer, this.staging, SHORT_BYTES);
    this.#words = new Float64Array(buffer, this.staging, SHORT_BYTES / 8);
  }

  /** The first `length` bytes of the staging area: to be copied from, at once. */
  staged(length: number): Uint8Array<ArrayBuffer> {
    if (this.#last.length !== length) this.#last = new Uint8Array(this.bytes.buffer, this.staging, length);
    return this.#last;
  }

  /** Move a result of 32 bytes or less out of the staging area: bytes up to 32 are wiped there. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const result = length === SHORT_BYTES ? new Uint8Array(this.#short) : this.#short.slice(0, length);
    const words = this.#words;
    words[0] = words[1] = words[2] = words[3] = 0; // a quarter of what `fill` takes
    return result;
  }

  /** Bring a state in, for the Wasm calls that change it. */
  loadState(state: Uint8Array): void {
    this.bytes.set(state, this.args + STATE);
  }

  /** And out again. */
  saveState(state: Uint8Array): void {
    state.set(this.#state);
  }

  /** Wipe the arguments and the first `staged` bytes of the staging area. */
  wipe(staged: number): void {
    this.bytes.fill(0, this.args, this.staging + staged);
  }
}

/**
 * Pass `data` through the staging area of a main memory, piece by piece.
 * @param main  of the module that works on it
 * @param each  called with the piece's offset in `data` and its length; the piece lies at the start of the staging area
 */
export function inChunks(
  main: Workspace<OwnMemory>,
  data: Uint8Array,
  each: (at: number, length: number) => void,
): void {
  const length = lengthOf(data);
  if (length <= CHUNK_BYTES) {
    main.bytes.set(data, main.staging);
    each(0, length);
    return;
  }
  for (let at = 0; at < length; at += CHUNK_BYTES) {
    const size = Math.min(CHUNK_BYTES, length - at);
    main.bytes.set(new Uint8Array(bufferOf(data), offsetOf(data) + at, size), main.staging);
    each(at, size);
  }
}
