/** A buffer outside linear memory for arguments of cold calls. Nobody keeps anything in it between calls. */

/** Room for arguments of calls off the packet path: names, small structs, netlink messages. */
export const SCRATCH_BYTES = 32768;

export interface Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Address of byte `position`, as the functions of Libc take it. */
  at(position: number): number;
}

/** Of this thread. */
const bytes = new Uint8Array(new ArrayBuffer(SCRATCH_BYTES));

/** @param base machine address that addresses are counted from */
export function openScratch(base: bigint, addressOf: (bytes: Uint8Array) => bigint): Scratch {
  const start = Number(addressOf(bytes) - base);
  return { bytes, view: new DataView(bytes.buffer), at: (position) => start + position };
}

/** Write a NUL-terminated string. @returns its address */
export function writeText(scratch: Scratch, value: string, position: number): number {
  const { written } = new TextEncoder().encodeInto(value, scratch.bytes.subarray(position, -1));
  scratch.bytes[position + written] = 0;
  return scratch.at(position);
}
