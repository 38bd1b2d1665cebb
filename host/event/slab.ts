/**
 * Copies of small arrays, several in one buffer: making a buffer costs more than filling it, and so does its end. Whoever keeps one copy
 * keeps its neighbours' bytes in memory too.
 */

/** Below what allocators take from the system each time. */
const SLAB_BYTES = 65_536;
/** Larger ones are their own buffer. */
const SHARED_BYTES_MAX = SLAB_BYTES / 16;
/** Typed arrays of any element may begin there. */
const ALIGNMENT = 8;

let slab = new Uint8Array(0);
let used = 0;

/** @returns an array of `length` bytes, which nobody else uses; they may be anything that was zero before */
export function takeBytes(length: number): Uint8Array<ArrayBuffer> {
  if (length > SHARED_BYTES_MAX) return new Uint8Array(length);
  // One that somebody transferred to another thread has no bytes any more.
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  const bytes = slab.subarray(used, used + length);
  used += (length + ALIGNMENT - 1) & -ALIGNMENT;
  return bytes;
}
