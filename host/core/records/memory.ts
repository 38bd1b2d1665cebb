/**
 * Linear memory in three widths. The memory never grows once these exist, so they stay good. All views of records are
 * functions of an address over them: none makes an object for a packet.
 */
export type Address = number;

/** Fields are aligned to their size. */
export interface MemoryViews {
  readonly bytes: Uint8Array<ArrayBufferLike>;
  readonly halves: Uint16Array<ArrayBufferLike>;
  readonly words: Uint32Array<ArrayBufferLike>;
  /** For counters that several threads add to. */
  readonly counters: BigUint64Array<ArrayBufferLike>;
}

export function viewsOf(memory: WebAssembly.Memory): MemoryViews {
  const { buffer } = memory;
  return {
    bytes: new Uint8Array(buffer),
    halves: new Uint16Array(buffer),
    words: new Uint32Array(buffer),
    counters: new BigUint64Array(buffer),
  };
}
