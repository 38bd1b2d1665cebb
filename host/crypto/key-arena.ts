/**
 * The slots of linear memory that key handles own: 32 bytes each, a fixed number, wiped when they are given back.
 * A handle that is collected without `destroy()` gives its slot back too, some time later: a net, not a plan.
 */
import type { Disposal } from "../ambient.ts";
import { KeyArenaFullError, KeyDestroyedError } from "./crypto-errors.ts";
import { defineDisposal } from "./disposal.ts";
import { KEY_SLOT_BYTES, KEY_SLOTS, main } from "./memory.ts";

// Slots given back, and how many were ever handed out: those behind have never been used.
const free: number[] = [];
let used = 0;

function release(slot: number): void {
  const address = main.slots + slot * KEY_SLOT_BYTES;
  main.bytes.fill(0, address, address + KEY_SLOT_BYTES);
  free.push(slot);
}

const abandoned = new FinalizationRegistry<number>(release);

/** Where the program's own types know `using`. */
export interface KeyHandle extends Disposal {}

/** One slot, and who may use it: the base of every handle. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the method is defined below the class.
export abstract class KeyHandle {
  #slot = -1;

  /** @param fill  writes the key to the address it is given; when it throws, there is no handle and nothing stays behind */
  constructor(fill: (address: number) => void) {
    const slot = free.pop() ?? used++;
    if (slot >= KEY_SLOTS) {
      used = KEY_SLOTS;
      throw new KeyArenaFullError(KEY_SLOTS);
    }
    try {
      fill(main.slots + slot * KEY_SLOT_BYTES);
    } catch (error) {
      release(slot);
      throw error;
    }
    this.#slot = slot;
    abandoned.register(this, slot, this);
  }

  get destroyed(): boolean {
    return this.#slot < 0;
  }

  /** Wipe the key. Every later use throws KeyDestroyedError; destroying again does nothing. */
  destroy(): void {
    if (this.#slot < 0) return;
    abandoned.unregister(this);
    release(this.#slot);
    this.#slot = -1;
  }

  /** For logs and debuggers: what it is, never what it holds. */
  toJSON(): string {
    return `[${this.constructor.name}]`;
  }

  /** Where the key of `handle` lies. @throws KeyDestroyedError */
  static addressOf(handle: KeyHandle): number {
    if (handle.#slot < 0) throw new KeyDestroyedError();
    return main.slots + handle.#slot * KEY_SLOT_BYTES;
  }
}

defineDisposal(KeyHandle.prototype);
