/**
 * The slots of linear memory that key handles own: 32 bytes each, a fixed number for each kind, wiped when they are given
 * back. A handle that is collected without `destroy()` gives its slot back too, some time later: a net, not a plan.
 */
import type { Disposal } from "../ambient.ts";
import { checkBytesOf } from "./check.ts";
import { KeyArenaFullError, KeyDestroyedError } from "./crypto-errors.ts";
import { defineDisposal } from "./disposal.ts";
import { KEY_SLOT_BYTES, KEY_SLOTS } from "./memory.ts";

/** Writes a key to the 32 bytes it is given. */
export type FillSlot = (slot: Uint8Array<ArrayBuffer>) => void;

/** Random bytes, straight into linear memory. */
export const randomKey: FillSlot = (slot) => void crypto.getRandomValues(slot);

/** @throws TypeError, RangeError */
export function copyOf(bytes: Uint8Array): FillSlot {
  checkBytesOf(KEY_SLOT_BYTES, bytes, "key");
  // The slot is bounded: a buffer that grows on another thread does not reach into the next one.
  return (slot) => slot.set(bytes);
}

/** A main memory: it never grows, and has KEY_SLOTS slots. */
interface SlotMemory {
  readonly slots: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class KeyArena {
  /** What its keys are called, also where a bundler has shortened the names of classes. */
  readonly kind: string;
  readonly #memory: SlotMemory;
  // Slots given back, and how many were ever handed out: those behind have never been used.
  readonly #free: number[] = [];
  #used = 0;
  /** Not everywhere: runtimes that do not tell when something is collected keep the slot. */
  readonly #abandoned =
    typeof FinalizationRegistry === "function"
      ? new FinalizationRegistry<number>((address) => this.#wipe(address))
      : undefined;

  constructor(kind: string, memory: SlotMemory) {
    this.kind = kind;
    this.#memory = memory;
  }

  /** @returns the address of a slot of the owner's. @throws whatever `fill` throws; then nothing stays behind */
  take(owner: object, fill: FillSlot): number {
    const { slots, bytes } = this.#memory;
    if (this.#free.length === 0 && this.#used === KEY_SLOTS) throw new KeyArenaFullError(KEY_SLOTS);
    const address = this.#free.pop() ?? slots + this.#used++ * KEY_SLOT_BYTES;
    try {
      fill(bytes.subarray(address, address + KEY_SLOT_BYTES));
    } catch (error) {
      this.#wipe(address);
      throw error;
    }
    this.#abandoned?.register(owner, address, owner);
    return address;
  }

  giveBack(owner: object, address: number): void {
    this.#abandoned?.unregister(owner);
    this.#wipe(address);
  }

  #wipe(address: number): void {
    this.#memory.bytes.fill(0, address, address + KEY_SLOT_BYTES);
    this.#free.push(address);
  }
}

/** Where the program's own types know `using`. */
export interface KeyHandle extends Disposal {}

const DESTROYED = -1;

/** One slot, and who may use it: the base of every handle. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the method is defined below the class.
export abstract class KeyHandle {
  readonly #arena: KeyArena;
  #address: number;

  /** When `fill` throws, there is no handle and nothing stays behind. */
  constructor(arena: KeyArena, fill: FillSlot) {
    this.#arena = arena;
    this.#address = arena.take(this, fill);
  }

  get destroyed(): boolean {
    return this.#address === DESTROYED;
  }

  /** Wipe the key. Every later use throws KeyDestroyedError; destroying again does nothing. */
  destroy(): void {
    if (this.#address === DESTROYED) return;
    this.#arena.giveBack(this, this.#address);
    this.#address = DESTROYED;
  }

  /** For logs and debuggers: what it is, never what it holds. */
  toJSON(): string {
    return `[${this.#arena.kind}]`;
  }

  /** Where the key of `handle` lies. @throws KeyDestroyedError */
  static addressOf(handle: KeyHandle): number {
    if (handle.#address === DESTROYED) throw new KeyDestroyedError();
    return handle.#address;
  }
}

defineDisposal(KeyHandle.prototype);
