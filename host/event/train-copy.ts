/**
 * A train as arrays of its datagrams, for sockets that take them one by one. To make an array costs about as much as to fill it, so
 * those for the length that was last asked for are used again, and the bytes are copied to where they point.
 */
import { MESSAGE_BYTES_MAX } from "../core/codes.ts";

export class TrainCopy {
  #bytes = new Uint8Array(0);
  /** Of each part but the last one that is handed out. */
  #segment = 0;
  readonly #parts: Uint8Array[] = [];

  /**
   * @param train   MESSAGE_BYTES_MAX at most
   * @param segment bytes of each datagram; only the last may be shorter
   * @returns       the datagrams, in order: until the next call, if `giveAway` does not come first
   */
  split(train: Uint8Array, segment: number): Uint8Array[] {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(MESSAGE_BYTES_MAX);
    if (segment !== this.#segment) this.#parts.length = 0;
    this.#segment = segment;
    this.#bytes.set(train);
    const whole = Math.floor(train.length / segment);
    for (let at = this.#parts.length * segment; this.#parts.length < whole; at += segment) {
      this.#parts.push(this.#bytes.subarray(at, at + segment));
    }
    const datagrams = this.#parts.slice(0, whole);
    if (whole * segment < train.length) datagrams.push(this.#bytes.subarray(whole * segment, train.length));
    return datagrams;
  }

  /** @returns the same for whoever reads them later: in memory of their own, and no more of it than there are bytes */
  splitToKeep(train: Uint8Array, segment: number): Uint8Array[] {
    const bytes = new Uint8Array(train);
    return Array.from({ length: Math.ceil(bytes.length / segment) }, (_, i) =>
      bytes.subarray(i * segment, (i + 1) * segment),
    );
  }

  /** Somebody still reads what `split` returned: its bytes are never changed again. */
  giveAway(): void {
    this.#bytes = new Uint8Array(0);
    this.#parts.length = 0;
  }
}
