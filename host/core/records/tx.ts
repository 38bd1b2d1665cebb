/** UDP messages that the core wants sent (assembly/records/tx.ts), by the address of their record. */
import { TX_BYTES, TX_LENGTH, TX_OFFSET, TX_PATH, TX_PEER, TX_SEGMENT, TX_TOS } from "../../../assembly/abi.ts";
import type { Address, MemoryViews } from "./memory.ts";

/** @param first address of record 0 */
export function txAt(first: Address, index: number): Address {
  return first + TX_BYTES * index;
}

export function txPath(record: Address): Address {
  return record + TX_PATH;
}

export function txOffset({ words }: MemoryViews, record: Address): Address {
  return words[(record + TX_OFFSET) >>> 2]!;
}

export function txLength({ words }: MemoryViews, record: Address): number {
  return words[(record + TX_LENGTH) >>> 2]!;
}

/** Datagram size within the train; only the last may be shorter. */
export function txSegment({ words }: MemoryViews, record: Address): number {
  return words[(record + TX_SEGMENT) >>> 2]!;
}

/** Outer TOS or traffic class. */
export function txTos({ words }: MemoryViews, record: Address): number {
  return words[(record + TX_TOS) >>> 2]! & 0xff;
}

/** Outer hop limit; 0 for the system's own. */
export function txHops({ words }: MemoryViews, record: Address): number {
  return words[(record + TX_TOS) >>> 2]! >>> 8;
}

/** Slot of the peer; beyond all slots for a message that belongs to nobody. */
export function txPeer({ words }: MemoryViews, record: Address): number {
  return words[(record + TX_PEER) >>> 2]!;
}

/** All but peer and path, as the core does it: for who sends without a core. */
export function fillTx(
  { words }: MemoryViews,
  record: Address,
  offset: Address,
  length: number,
  segment: number,
  tos: number,
): void {
  words[(record + TX_OFFSET) >>> 2] = offset;
  words[(record + TX_LENGTH) >>> 2] = length;
  words[(record + TX_SEGMENT) >>> 2] = segment;
  words[(record + TX_TOS) >>> 2] = tos;
}
