/**
 * Many messages of ChaCha20-Poly1305 in one call, sealed or opened in place, without an object per message: what a tunnel
 * needs. The nonce of a message is four zero bytes and its 64-bit counter (WireGuard's transport); no associated data.
 * Each batch has a linear memory of its own, which never grows: its views stay valid until `destroy()`.
 */
import type { Disposal } from "../ambient.ts";
import { AeadKey } from "./aead-key.ts";
import { checkBytesOf, checkWhole } from "./check.ts";
import { type CipherExports, main, newWorkspace } from "./ciphers-module.ts";
import { SpentError } from "./crypto-errors.ts";
import { defineDisposal } from "./disposal.ts";
import { KeyHandle } from "./key-arena.ts";
import type { Workspace } from "./memory.ts";

const KEY_BYTES = 32;
const COUNTER_BYTES = 8;
const WORD_BYTES = 4;
const OUTCOME_BYTES = 1;
const DESCRIPTOR_BYTES = COUNTER_BYTES + 2 * WORD_BYTES + OUTCOME_BYTES;

/** Where the area begins, seen from the counters: the descriptors take a multiple of 64 bytes. */
const areaOffset = (capacity: number): number => (capacity * DESCRIPTOR_BYTES + 63) & ~63;

/** Where the program's own types know `using`. */
export interface AeadBatch extends Disposal {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the method is defined below the class.
export class AeadBatch {
  /** Messages it has descriptors for. */
  readonly capacity: number;
  /** Where the messages lie. Plaintext stays here until it is overwritten, or `destroy()`. */
  readonly area: Uint8Array<ArrayBuffer>;
  /** Of each message: where in the area it begins. When sealing, 16 bytes behind it must be free. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** Of each message: its bytes. Sealing adds 16 to it, opening takes them off. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Of each message: the counter that is its nonce. Never the same twice under one key. */
  readonly counters: BigUint64Array<ArrayBuffer>;
  /** Of each message, after `open`: 1 when it was genuine, 0 when not; then it lies there as it came. */
  readonly outcomes: Uint8Array<ArrayBuffer>;
  readonly #workspace: Workspace<CipherExports>;
  #destroyed = false;

  /** @param areaBytes  room for the messages, their tags, and whatever the caller keeps beside them */
  constructor(capacity: number, areaBytes: number) {
    checkWhole(capacity, "capacity");
    checkWhole(areaBytes, "areaBytes");
    const area = areaOffset(capacity);
    this.#workspace = newWorkspace(area + areaBytes);
    const { bytes, staging } = this.#workspace;
    const { buffer } = bytes;
    const offsets = staging + capacity * COUNTER_BYTES;
    const lengths = offsets + capacity * WORD_BYTES;
    this.capacity = capacity;
    this.counters = new BigUint64Array(buffer, staging, capacity);
    this.offsets = new Uint32Array(buffer, offsets, capacity);
    this.lengths = new Uint32Array(buffer, lengths, capacity);
    this.outcomes = new Uint8Array(buffer, lengths + capacity * WORD_BYTES, capacity);
    this.area = new Uint8Array(buffer, staging + area, areaBytes);
  }

  /**
   * Seal the messages of descriptors 0 to `count` - 1.
   * @throws RangeError when a message or its tag does not lie inside the area; then nothing was sealed
   */
  seal(key: AeadKey | Uint8Array, count: number): void {
    const { exports } = this.#workspace;
    this.#withKey(key, count, (address) =>
      exports.sealBatch(
        this.area.byteOffset,
        this.area.length,
        this.offsets.byteOffset,
        this.lengths.byteOffset,
        this.counters.byteOffset,
        count,
        address,
      ),
    );
  }

  /**
   * Open the messages of descriptors 0 to `count` - 1, and say in `outcomes` which were genuine.
   * @throws RangeError when a message does not lie inside the area or is shorter than a tag; then nothing was opened
   */
  open(key: AeadKey | Uint8Array, count: number): void {
    const { exports } = this.#workspace;
    this.#withKey(key, count, (address) =>
      exports.openBatch(
        this.area.byteOffset,
        this.area.length,
        this.offsets.byteOffset,
        this.lengths.byteOffset,
        this.counters.byteOffset,
        this.outcomes.byteOffset,
        count,
        address,
      ),
    );
  }

  /** Wipe the area and the descriptors. Every later call throws. */
  destroy(): void {
    this.#destroyed = true;
    this.#workspace.wipe(this.area.byteOffset + this.area.length - this.#workspace.staging);
  }

  /** Have the key in this memory for one call. */
  #withKey(key: AeadKey | Uint8Array, count: number, run: (address: number) => number): void {
    if (this.#destroyed) throw new SpentError("the batch was destroyed");
    checkWhole(count, "count");
    if (count > this.capacity) throw new RangeError(`"count" expected at most ${this.capacity}, got ${count}`);
    const workspace = this.#workspace;
    try {
      if (key instanceof AeadKey) {
        const address = KeyHandle.addressOf(key);
        workspace.bytes.set(main.bytes.subarray(address, address + KEY_BYTES), workspace.args);
      } else {
        checkBytesOf(KEY_BYTES, key, "key");
        workspace.bytes.set(key, workspace.args);
      }
      const done = run(workspace.args);
      if (done < count) throw new RangeError(`message ${done} does not fit into the area, or is shorter than a tag`);
    } finally {
      workspace.wipe(0);
    }
  }
}

defineDisposal(AeadBatch.prototype);
