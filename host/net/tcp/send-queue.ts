/**
 * What was written and is not acknowledged yet: pieces in order, named by stream position. Arrays that were given stay as they are;
 * what was lent is copied, small writes together into one block. Memory is taken from the network's budget.
 */
import type { MemoryBudget } from "../budget.ts";
import type { Ownership } from "../inbound.ts";

/** Small writes share blocks of this size; larger ones get an array of their own. */
const BLOCK_BYTES = 16 << 10;
const SMALL_BYTES = 4 << 10;
/** Copied even when given: an array for each would cost more than they hold. */
const TINY_BYTES = 512;
/** What an array costs besides its bytes. */
const PIECE_BYTES = 128;

interface Piece {
  readonly start: number;
  /** Position after its last byte. */
  end: number;
  bytes: Uint8Array;
  /** What it took from the budget. */
  cost: number;
}

export class SendQueue {
  readonly #budget: MemoryBudget;
  #pieces: Piece[] = [];
  /** The first piece that is not acknowledged whole; those before it are gone. */
  #first = 0;
  /** Where `copy` ended last: most copies go on from there. */
  #cursor = 0;
  /** First byte that is not acknowledged; position after the last one written. */
  #start = 1;
  #end = 1;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get end(): number {
    return this.#end;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** @returns whether they were taken: not when the network's memory is used up */
  append(bytes: Uint8Array, ownership: Ownership): boolean {
    const { length } = bytes;
    if (length === 0) return true;
    if (length < (ownership === "lent" ? SMALL_BYTES : TINY_BYTES)) return this.#appendSmall(bytes);
    if (!this.#budget.take(length + PIECE_BYTES)) return false;
    this.#push(ownership === "given" ? bytes : new Uint8Array(bytes), length, length + PIECE_BYTES);
    return true;
  }

  #push(bytes: Uint8Array, length: number, cost: number): void {
    this.#pieces.push({ start: this.#end, end: this.#end + length, bytes, cost });
    this.#end += length;
  }

  #appendSmall(bytes: Uint8Array): boolean {
    const { length } = bytes;
    const last = this.#pieces.at(-1);
    if (last !== undefined) {
      const used = last.end - last.start;
      // A lone small write lies in an array of its size; a second one begins a block.
      if (
        last.bytes.length === BLOCK_BYTES &&
        used + length <= BLOCK_BYTES &&
        last.cost === BLOCK_BYTES + PIECE_BYTES
      ) {
        last.bytes.set(bytes, used);
        last.end += length;
        this.#end += length;
        return true;
      }
    }
    const block = last === undefined ? length : BLOCK_BYTES;
    if (!this.#budget.take(block + PIECE_BYTES)) return false;
    const array = new Uint8Array(block);
    array.set(bytes);
    this.#push(array, length, block + PIECE_BYTES);
    return true;
  }

  /** Bytes from `from` to `to`, which are here, into `into` at `at`. */
  copy(from: number, to: number, into: Uint8Array, at: number): void {
    let index = this.#find(from);
    while (from < to) {
      const piece = this.#pieces[index]!;
      const stop = Math.min(to, piece.end);
      into.set(piece.bytes.subarray(from - piece.start, stop - piece.start), at);
      at += stop - from;
      from = stop;
      if (from === piece.end) index += 1;
    }
    this.#cursor = index;
  }

  #find(position: number): number {
    const pieces = this.#pieces;
    const hint = pieces[this.#cursor];
    if (hint !== undefined && this.#cursor >= this.#first && hint.start <= position && position < hint.end) {
      return this.#cursor;
    }
    let low = this.#first;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pieces[middle]!.end <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Everything before `position` was acknowledged. */
  acknowledge(position: number): void {
    if (position <= this.#start) return;
    this.#start = Math.min(position, this.#end);
    const pieces = this.#pieces;
    let first = this.#first;
    while (first < pieces.length && pieces[first]!.end <= this.#start) {
      this.#budget.give(pieces[first]!.cost);
      // The slot goes later, the bytes now.
      pieces[first]!.bytes = EMPTY;
      first += 1;
    }
    this.#first = first;
    if (first === pieces.length) {
      this.#pieces = [];
      this.#first = this.#cursor = 0;
    } else if (first >= 64 && first * 2 > pieces.length) {
      pieces.splice(0, first);
      this.#cursor = Math.max(0, this.#cursor - first);
      this.#first = 0;
    }
  }

  /** Forget everything. */
  clear(): void {
    for (let i = this.#first; i < this.#pieces.length; i++) this.#budget.give(this.#pieces[i]!.cost);
    this.#pieces = [];
    this.#first = this.#cursor = 0;
    this.#start = this.#end;
  }
}

const EMPTY = new Uint8Array(0);
