/**
 * The answer of a UAPI request, built in an area of linear memory and wiped as it is written out. Text that
 * is no secret comes from JS; keys are encoded from where they lie to where they go.
 */
import type { Address } from "../core/core.ts";
import type { KeyCodec } from "./target.ts";

/** A part of linear memory. */
export interface Area {
  readonly address: Address;
  readonly length: number;
}

/** Anything whose buffer is the linear memory: a WebAssembly.Memory. */
export interface LinearMemory {
  readonly buffer: ArrayBufferLike;
}

export class OutputWriter {
  readonly #memory: LinearMemory;
  readonly #area: Area;
  readonly #codec: KeyCodec;
  /** [start, end) waits to be written. */
  #start: Address;
  #end: Address;

  constructor(memory: LinearMemory, area: Area, codec: KeyCodec) {
    this.#memory = memory;
    this.#area = area;
    this.#codec = codec;
    this.#start = area.address;
    this.#end = area.address;
  }

  waiting(): Area {
    return { address: this.#start, length: this.#end - this.#start };
  }

  isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Bytes that still fit. */
  room(): number {
    return this.#area.address + this.#area.length - this.#end;
  }

  /** ASCII, no longer than room(). */
  text(text: string): void {
    const bytes = this.#bytes(this.#end, text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    this.#end += text.length;
  }

  /** 64 hex digits of the key at `key`; needs as much room(). */
  hexKey(key: Address): void {
    this.#codec.encodeHexKey(this.#end, key);
    this.#end += 64;
  }

  /** The first `length` bytes of waiting() have been written: wipe them. @throws RangeError if more than waiting */
  consume(length: number): void {
    if (!(length >= 0 && length <= this.#end - this.#start)) throw new RangeError("more written than was waiting");
    this.#bytes(this.#start, length).fill(0);
    this.#start += length;
    if (this.isEmpty()) this.#start = this.#end = this.#area.address;
  }

  /** Wipe all of the area. */
  wipe(): void {
    this.#bytes(this.#area.address, this.#area.length).fill(0);
    this.#start = this.#end = this.#area.address;
  }

  #bytes(address: Address, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }
}
