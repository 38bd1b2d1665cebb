/** The memory of a process on the stand-in for macOS: linear memory, and the buffer that arguments of cold calls are in. */
import { Failure } from "./errno.ts";

/** Somewhere in the upper half of the addresses that a process may have. */
const BASE = 0x7f12_3456_8000n;
const OTHERS = 2 ** 33;
/** Between two buffers outside linear memory. */
const SPACING = 2 ** 20;

export class ProcessMemory {
  readonly #linear: Uint8Array;
  readonly #others: Uint8Array[] = [];

  constructor(memory: WebAssembly.Memory) {
    this.#linear = new Uint8Array(memory.buffer);
  }

  /** As a backend's. */
  addressOf(bytes: Uint8Array): bigint {
    if (bytes.buffer === this.#linear.buffer) return BASE + BigInt(bytes.byteOffset);
    let index = this.#others.findIndex(({ buffer }) => buffer === bytes.buffer);
    if (index < 0) index = this.#others.push(bytes) - 1;
    return BASE + BigInt(OTHERS + SPACING * index);
  }

  /** @param offset from the base, as functions take it @returns a view of these bytes */
  at(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const other = this.#others[Math.floor((offset - OTHERS) / SPACING)];
    const [bytes, start] = offset < OTHERS ? [this.#linear, offset] : [other, (offset - OTHERS) % SPACING];
    if (bytes === undefined || offset <= 0 || start + length > bytes.length)
      throw new Failure("EFAULT", `at ${offset}`);
    return bytes.subarray(start, start + length) as Uint8Array<ArrayBuffer>;
  }

  /** @param address a machine address, as structs hold it */
  atAddress(address: bigint, length: number): Uint8Array<ArrayBuffer> {
    return this.at(Number(address - BASE), length);
  }

  view(offset: number, length: number): DataView {
    const { buffer, byteOffset } = this.at(offset, length);
    return new DataView(buffer, byteOffset, length);
  }

  text(offset: number): string {
    let length = 0;
    while (this.at(offset + length, 1)[0] !== 0) length++;
    return new TextDecoder().decode(this.at(offset, length).slice());
  }
}
