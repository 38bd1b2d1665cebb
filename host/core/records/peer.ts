/** A peer's record (assembly/records/peer.ts), by its address: what the host may see of it. Threads share it. */
import {
  PEER_BYTES,
  PEER_CURRENT,
  PEER_EVENTS,
  PEER_PATH,
  PEER_PUBLIC_KEY,
  PEER_RX,
  PEER_TX,
  SECRET_PRESHARED_KEY,
} from "../../../assembly/abi.ts";
import type { Address, MemoryViews } from "./memory.ts";

/** @param first address of slot 0 */
export function peerAt(first: Address, slot: number): Address {
  return first + PEER_BYTES * slot;
}

export function peerPath(record: Address): Address {
  return record + PEER_PATH;
}

/** Where its 32 bytes are. */
export function peerPublicKey(record: Address): Address {
  return record + PEER_PUBLIC_KEY;
}

/** Where the 32 bytes are in its secret record. */
export function peerPresharedKey(secret: Address): Address {
  return secret + SECRET_PRESHARED_KEY;
}

/** EVENT_… bits that nobody has looked at yet. */
export function peerEvents({ words }: MemoryViews, record: Address): number {
  return words[(record + PEER_EVENTS) >>> 2]!;
}

/** The same, and there are none afterwards; other threads may be adding to them. */
export function takePeerEvents({ words }: MemoryViews, record: Address): number {
  return Atomics.exchange(words, (record + PEER_EVENTS) >>> 2, 0);
}

/** Number of the keypair in use; 0 for none. */
export function peerCurrentKeypair({ words }: MemoryViews, record: Address): number {
  return words[(record + PEER_CURRENT) >>> 2]!;
}

/** Bytes of authenticated messages. */
export function peerRxBytes(view: DataView, record: Address): bigint {
  return view.getBigUint64(record + PEER_RX, true);
}

/** A handshake message of so many bytes was accepted. Atomic: other threads count what they open. */
export function addPeerRxBytes({ counters }: MemoryViews, record: Address, bytes: number): void {
  Atomics.add(counters, (record + PEER_RX) >>> 3, BigInt(bytes));
}

/** Bytes of UDP payload sent. */
export function peerTxBytes(view: DataView, record: Address): bigint {
  return view.getBigUint64(record + PEER_TX, true);
}
