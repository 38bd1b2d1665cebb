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

/** One for each owner: whoever is given one copy can read its neighbours by `buffer`, and takes them along when it transfers it. */
export class Slab {
  #bytes = new Uint8Array(0);
  #used = 0;

  /** @returns an array of `length` bytes, which nobody else uses; they are zero at first */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (length > SHARED_BYTES_MAX) return new Uint8Array(length);
    // One that somebody transferred to another thread has no bytes any more.
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const bytes = this.#bytes.subarray(this.#used, this.#used + length);
    this.#used += (length + ALIGNMENT - 1) & -ALIGNMENT;
    return bytes;
  }
}
