/**
 * A bounded queue of records from one thread to another, in a SharedArrayBuffer: an SPSC ring (single producer, single consumer;
 * Lamport, "Proving the Correctness of Multiprocess Programs", 1977). No lock: each end is one thread's.
 * A record is its kind, its length and its bytes. What does not fit is refused, not waited for.
 * Memory: head and tail as u32 that only grow (modulo 2^32), each on a cache line of its own, then the bytes.
 */

const HEAD = 0; // words: where the reader is
const TAIL = 16; // where the writer is
const HEADER_BYTES = 128;
const RECORD_BYTES = 8;

/** @param capacity bytes, a power of two */
export function makeRing(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + capacity);
}

class RingEnd {
  protected readonly words: Uint32Array;
  protected readonly bytes: Uint8Array;
  protected readonly capacity: number;

  constructor(ring: SharedArrayBuffer) {
    this.words = new Uint32Array(ring);
    this.bytes = new Uint8Array(ring, HEADER_BYTES);
    this.capacity = ring.byteLength - HEADER_BYTES;
    if ((this.capacity & (this.capacity - 1)) !== 0) throw new RangeError("the capacity is no power of two");
  }

  /** Index in `words` of the byte at a position, which is a multiple of 8. */
  protected wordAt(position: number): number {
    return (HEADER_BYTES + (position & (this.capacity - 1))) >>> 2;
  }

  get isEmpty(): boolean {
    return Atomics.load(this.words, HEAD) === Atomics.load(this.words, TAIL);
  }
}

function rounded(bytes: number): number {
  return (bytes + 7) & ~7;
}

export class RingWriter extends RingEnd {
  /** @returns false when there is no room */
  push(kind: number, record: Uint8Array): boolean {
    const tail = Atomics.load(this.words, TAIL);
    const used = (tail - Atomics.load(this.words, HEAD)) >>> 0;
    if (used + RECORD_BYTES + rounded(record.length) > this.capacity) return false;
    this.words[this.wordAt(tail)] = kind;
    this.words[this.wordAt(tail) + 1] = record.length;
    const start = (tail + RECORD_BYTES) & (this.capacity - 1);
    const first = Math.min(record.length, this.capacity - start);
    this.bytes.set(record.subarray(0, first), start);
    if (first < record.length) this.bytes.set(record.subarray(first), 0);
    Atomics.store(this.words, TAIL, (tail + RECORD_BYTES + rounded(record.length)) >>> 0);
    return true;
  }
}

export class RingReader extends RingEnd {
  /** Take the oldest record into `into`. @returns its kind and length; undefined when there is none */
  take(into: Uint8Array): { kind: number; length: number } | undefined {
    const head = Atomics.load(this.words, HEAD);
    if (head === Atomics.load(this.words, TAIL)) return undefined;
    const kind = this.words[this.wordAt(head)]!;
    const length = this.words[this.wordAt(head) + 1]!;
    const start = (head + RECORD_BYTES) & (this.capacity - 1);
    const first = Math.min(length, this.capacity - start);
    into.set(this.bytes.subarray(start, start + first));
    if (first < length) into.set(this.bytes.subarray(0, length - first), first);
    Atomics.store(this.words, HEAD, (head + RECORD_BYTES + rounded(length)) >>> 0);
    return { kind, length };
  }
}
