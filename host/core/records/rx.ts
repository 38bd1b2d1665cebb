/** Received UDP messages on their way into the core (assembly/records/rx.ts), by the address of their record. */
import { RX_BYTES, RX_LENGTH, RX_OFFSET, RX_PATH, RX_SEGMENT, RX_TOS } from "../../../assembly/abi.ts";
import type { Address, MemoryViews } from "./memory.ts";

/** @param first address of record 0 */
export function rxAt(first: Address, index: number): Address {
  return first + RX_BYTES * index;
}

export function rxPath(record: Address): Address {
  return record + RX_PATH;
}

/** All but the path. @param segment datagram size of a train; = length for a single datagram @param tos outer TOS or traffic class */
export function fillRx(
  { words }: MemoryViews,
  record: Address,
  offset: Address,
  length: number,
  segment: number,
  tos: number,
): void {
  words[(record + RX_OFFSET) >>> 2] = offset;
  words[(record + RX_LENGTH) >>> 2] = length;
  words[(record + RX_SEGMENT) >>> 2] = segment;
  words[(record + RX_TOS) >>> 2] = tos;
}

/** The train has grown. */
export function setRxLength({ words }: MemoryViews, record: Address, length: number): void {
  words[(record + RX_LENGTH) >>> 2] = length;
}

export function rxOffset({ words }: MemoryViews, record: Address): Address {
  return words[(record + RX_OFFSET) >>> 2]!;
}

export function rxLength({ words }: MemoryViews, record: Address): number {
  return words[(record + RX_LENGTH) >>> 2]!;
}

export function rxSegment({ words }: MemoryViews, record: Address): number {
  return words[(record + RX_SEGMENT) >>> 2]!;
}

export function rxTos({ words }: MemoryViews, record: Address): number {
  return words[(record + RX_TOS) >>> 2]!;
}
