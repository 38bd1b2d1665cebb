/**
 * What the core wants written to the inside (assembly/records/write.ts): gather lists, each of which makes up one packet.
 * writev(2) reads an entry as it is; whoever has no such call takes a copy of the packet here.
 */
import {
  GATHER_ADDRESS,
  GATHER_BYTES,
  GATHER_LENGTH,
  WRITE_BYTES,
  WRITE_COUNT,
  WRITE_GATHER,
  WRITE_LENGTH,
} from "../../../assembly/abi.ts";
import type { Address, MemoryViews } from "./memory.ts";

/** @param first address of record 0 */
export function writeAt(first: Address, index: number): Address {
  return first + WRITE_BYTES * index;
}

/** Address of the first entry. */
export function writeGather({ words }: MemoryViews, record: Address): Address {
  return words[(record + WRITE_GATHER) >>> 2]!;
}

/** Entries: more than one in a superpacket. */
export function writeCount({ words }: MemoryViews, record: Address): number {
  return words[(record + WRITE_COUNT) >>> 2]!;
}

/** Bytes of the packet, vnet header included where there is one. */
export function writeLength({ words }: MemoryViews, record: Address): number {
  return words[(record + WRITE_LENGTH) >>> 2]!;
}

/** @param first address of entry 0 */
export function gatherAt(first: Address, index: number): Address {
  return first + GATHER_BYTES * index;
}

/** Where the entry's bytes are. @param base what the core was told with `setBase`, modulo 2^32 */
export function gatherOffset({ words }: MemoryViews, entry: Address, base: number): Address {
  return (words[(entry + GATHER_ADDRESS) >>> 2]! - base) >>> 0;
}

export function gatherLength({ words }: MemoryViews, entry: Address): number {
  return words[(entry + GATHER_LENGTH) >>> 2]!;
}

/** Where the packet lies, if in one piece; otherwise −1. @param base as of `gatherOffset` */
export function writeOffset(views: MemoryViews, record: Address, base = 0): Address {
  return writeCount(views, record) === 1 ? gatherOffset(views, writeGather(views, record), base) : -1;
}

/**
 * A copy of the packet.
 * @param base what the core was told with `setBase`, modulo 2^32: entries hold machine addresses
 */
export function copyWrite(views: MemoryViews, record: Address, base = 0): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(writeLength(views, record));
  gatherInto(packet, views, record, base);
  return packet;
}

/** Copy the packet to where there is room for `writeLength` bytes. */
export function gatherInto(packet: Uint8Array, views: MemoryViews, record: Address, base = 0): void {
  const first = writeGather(views, record);
  const end = gatherAt(first, writeCount(views, record));
  let filled = 0;
  for (let entry = first; entry < end; entry += GATHER_BYTES) {
    const at = gatherOffset(views, entry, base);
    const length = gatherLength(views, entry);
    packet.set(views.bytes.subarray(at, at + length), filled);
    filled += length;
  }
}
