/**
 * What came and was not read yet: bytes in order, and, beyond a hole, ranges that wait for it (RFC 2018, RFC 9293 §3.10.7.4). The first
 * copy of a byte counts; later ones are cut off. Payload of arrays that were given stays where it is unless that wastes memory; small
 * payload is gathered in blocks, so that a peer that sends single bytes costs little more than one that does not.
 */
import type { MemoryBudget } from "../budget.ts";
import type { Ownership } from "../inbound.ts";

const BLOCK_BYTES = 4 << 10;
const SMALL_BYTES = 1 << 10;
/** What an array costs besides its bytes; measured, and most where it is the only one of a range. */
const PIECE_BYTES = 128;
const SMALL_PIECE_BYTES = 512;
/** Ranges out of order: more holes than that are no path's doing. */
const RANGES_MAX = 1024;

class Piece {
  readonly bytes: Uint8Array;
  /** Bytes in use from the start of `bytes`, and how many of them were read. */
  length: number;
  read = 0;
  /** Taken from the budget. */
  readonly cost: number;
  constructor(bytes: Uint8Array, length: number, cost: number) {
    this.bytes = bytes;
    this.length = length;
    this.cost = cost;
  }
}

interface Range {
  start: number;
  end: number;
  pieces: Piece[];
}

export class ReceiveQueue {
  readonly #budget: MemoryBudget;
  /** Next byte expected; position of the next to be read. */
  next = 1;
  #readAt = 1;
  #ready: Piece[] = [];
  #firstReady = 0;
  #ranges: Range[] = [];
  /** Taken from the budget for what is in order, and for what is not. */
  #readyCost = 0;
  #rangesCost = 0;
  /** Where ranges were added to last, newest first: what SACK options begin with. */
  #recent: number[] = [];

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Bytes in order that were not read. */
  get length(): number {
    return this.next - this.#readAt;
  }

  get outOfOrder(): boolean {
    return this.#ranges.length > 0;
  }

  /** Position after the last byte that is here. */
  get highest(): number {
    return this.#ranges.at(-1)?.end ?? this.next;
  }

  /** Memory that is held. */
  get cost(): number {
    return this.#readyCost + this.#rangesCost;
  }

  /**
   * Take in payload: bytes `from` to `to` of the array, at `position` of the stream. What was here before is cut off.
   * @param costMax what may be held out of order
   * @returns false when it was refused for want of memory, at least a part of it
   */
  insert(position: number, bytes: Uint8Array, from: number, to: number, owner: Ownership, costMax: number): boolean {
    if (position < this.next) {
      from += this.next - position;
      position = this.next;
    }
    if (from >= to) return true;
    if (position === this.next && this.#ranges.length === 0) return this.#append(bytes, from, to, owner);
    return this.#insertAround(position, bytes, from, to, owner, costMax);
  }

  #append(bytes: Uint8Array, from: number, to: number, owner: Ownership): boolean {
    const cost = this.#store(this.#ready, this.#firstReady, bytes, from, to, owner);
    if (cost < 0) return false;
    this.#readyCost += cost;
    this.next += to - from;
    return true;
  }

  /** Put bytes at the end of a list of pieces. @returns what it took from the budget, -1 when there was not enough */
  #store(pieces: Piece[], first: number, bytes: Uint8Array, from: number, to: number, owner: Ownership): number {
    const length = to - from;
    const last = pieces.length > first ? pieces[pieces.length - 1]! : undefined;
    if (length <= SMALL_BYTES) {
      if (last !== undefined && last.bytes.length - last.length >= length) {
        copy(bytes, from, length, last.bytes, last.length);
        last.length += length;
        return 0;
      }
      // A lone small one is read soon; a block is for the second.
      const room = last === undefined ? length : BLOCK_BYTES;
      const cost = room + SMALL_PIECE_BYTES;
      if (!this.#budget.take(cost)) return -1;
      const block = new Uint8Array(room);
      copy(bytes, from, length, block, 0);
      pieces.push(new Piece(block, length, cost));
      return cost;
    }
    const cost = length + PIECE_BYTES;
    if (!this.#budget.take(cost)) return -1;
    const keep = owner === "given" && 2 * length >= bytes.buffer.byteLength;
    pieces.push(new Piece(keep ? bytes.subarray(from, to) : bytes.slice(from, to), length, cost));
    return cost;
  }

  /** Fill every gap that the payload covers, and join what touches then. */
  #insertAround(
    position: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    owner: Ownership,
    costMax: number,
  ): boolean {
    const ranges = this.#ranges;
    const end = position + to - from;
    const touched = position;
    let index = this.#firstAt(position);
    while (position < end) {
      const range = ranges[index];
      if (range !== undefined && range.start <= position) {
        position = Math.max(position, range.end);
        index += 1;
        continue;
      }
      const stop = range === undefined ? end : Math.min(end, range.start);
      const at = from + (position - touched);
      if (!this.#fill(index, position, bytes, at, at + (stop - position), owner, costMax)) return false;
      // Joined with the range before, there is one at `index` still to be looked at; else the new one lies there.
      index = this.#firstAt(stop);
      position = stop;
    }
    this.#remember(touched);
    this.#advance();
    return true;
  }

  /** Put bytes into the gap before range `index`. */
  #fill(
    index: number,
    position: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    owner: Ownership,
    costMax: number,
  ): boolean {
    const ranges = this.#ranges;
    const end = position + to - from;
    const before = ranges[index - 1];
    const after = ranges[index];
    const joinsBefore = before !== undefined && before.end === position;
    // What is next in order may always come: it makes room.
    if (position !== this.next && this.#rangesCost + (to - from) > costMax) return false;
    if (!joinsBefore && position !== this.next && ranges.length >= RANGES_MAX) return false;
    const range = joinsBefore ? before : { start: position, end: position, pieces: [] };
    const cost = this.#store(range.pieces, 0, bytes, from, to, owner);
    if (cost < 0) return false;
    this.#rangesCost += cost;
    range.end = end;
    if (!joinsBefore) ranges.splice(index, 0, range);
    if (after !== undefined && after.start === end) {
      range.pieces = range.pieces.concat(after.pieces);
      range.end = after.end;
      ranges.splice(ranges.indexOf(after, Math.max(0, index - 1)), 1);
    }
    return true;
  }

  /** Index of the first range that ends after `position`. */
  #firstAt(position: number): number {
    const ranges = this.#ranges;
    // Nearly always behind all others.
    if (ranges.length === 0 || ranges[ranges.length - 1]!.end <= position) return ranges.length;
    let low = 0;
    let high = ranges.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[middle]!.end <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first range may be next in order. */
  #advance(): void {
    const first = this.#ranges[0];
    if (first === undefined || first.start !== this.next) return;
    this.#ranges.shift();
    for (const piece of first.pieces) {
      this.#rangesCost -= piece.cost;
      this.#readyCost += piece.cost;
      this.#ready.push(piece);
    }
    this.next = first.end;
    if (this.#ranges.length === 0) this.#recent = [];
  }

  #remember(position: number): void {
    if (this.#ranges.length === 0) return;
    this.#recent = [position, ...this.#recent.filter((each) => each !== position)].slice(0, 8);
  }

  /**
   * Ranges out of order for a SACK option, the one that came last first (RFC 2018 §4).
   * @param into pairs of start and end @returns how many pairs
   */
  sackBlocks(into: number[], most: number): number {
    let count = 0;
    for (const position of this.#recent) {
      if (count === most) break;
      const range = this.#ranges[this.#firstAt(position)];
      if (range === undefined || range.start > position || position < this.next) continue;
      let known = false;
      for (let i = 0; i < count; i++) if (into[2 * i] === range.start) known = true;
      if (known) continue;
      into[2 * count] = range.start;
      into[2 * count + 1] = range.end;
      count += 1;
    }
    return count;
  }

  /** Whether all bytes from `start` to `end` are here already. */
  has(start: number, end: number): boolean {
    if (end <= this.next) return true;
    const range = this.#ranges[this.#firstAt(start)];
    return range !== undefined && range.start <= start && end <= range.end;
  }

  /** The next bytes, at most `limit`; undefined while there are none. */
  read(limit: number): Uint8Array | undefined {
    const piece = this.#ready[this.#firstReady];
    if (piece === undefined || limit <= 0) return undefined;
    const stop = Math.min(piece.length, piece.read + limit);
    const bytes = piece.bytes.subarray(piece.read, stop);
    this.#readAt += stop - piece.read;
    piece.read = stop;
    if (stop === piece.length) this.#shift(piece);
    return bytes;
  }

  #shift(piece: Piece): void {
    this.#budget.give(piece.cost);
    this.#readyCost -= piece.cost;
    this.#firstReady += 1;
    if (this.#firstReady === this.#ready.length) {
      this.#ready = [];
      this.#firstReady = 0;
    } else if (this.#firstReady >= 256) {
      this.#ready.splice(0, this.#firstReady);
      this.#firstReady = 0;
    }
  }

  /** Forget everything. */
  clear(): void {
    this.#budget.give(this.#readyCost + this.#rangesCost);
    this.#readyCost = this.#rangesCost = 0;
    this.#ready = [];
    this.#firstReady = 0;
    this.#ranges = [];
    this.#recent = [];
    this.#readAt = this.next;
  }
}

function copy(from: Uint8Array, start: number, length: number, into: Uint8Array, at: number): void {
  if (length > 64) into.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) into[at + i] = from[start + i]!;
}
