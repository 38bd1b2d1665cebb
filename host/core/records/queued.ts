/** Handshake messages that wait in the core (assembly/records/queued.ts), by the address of their record. */
import { QUEUED_BYTES, QUEUED_LENGTH, QUEUED_MESSAGE, QUEUED_PATH } from "../../../assembly/abi.ts";
import type { Address, MemoryViews } from "./memory.ts";

export { QUEUED_BYTES };

export function queuedLength({ words }: MemoryViews, record: Address): number {
  return words[(record + QUEUED_LENGTH) >>> 2]!;
}

export function queuedPath(record: Address): Address {
  return record + QUEUED_PATH;
}

/** Where the message is: a type of four bytes first. */
export function queuedMessage(record: Address): Address {
  return record + QUEUED_MESSAGE;
}
