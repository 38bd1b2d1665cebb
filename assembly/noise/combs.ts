/**
 * A table for each peer's static key (crypto/comb-table.ts), for the second result of each answer, se: made when there is time. The first slots have room for
 * one, where there are threads: an embedded device, whose memory counts from the start, has none. Nothing here is secret.
 * Memory: `combs`, a table for each of `combSlots` slots; PEER_FLAG_COMB tells where a table is, PEER_FLAG_NO_COMB where none
 * can be; both die with the peer, as its key.
 * Thread 0 alone calls these.
 */
import { PEER_FLAG_COMB, PEER_FLAG_NO_COMB } from "../abi";
import { CombTable, makeTables } from "../crypto/comb-table";
import { FourLadders } from "../crypto/x25519-four";
import { combSlots, combs } from "../memory/layout";
import { Peers } from "../routing/peers";

function place(peer: u32): usize {
  return combs + CombTable.bytes * <usize>peer;
}

function isMissing(peer: u32): bool {
  return peer < combSlots && (Peers.record(peer).flags & (PEER_FLAG_COMB | PEER_FLAG_NO_COMB)) === 0;
}

/** @param made  not zero where there is a table now */
function note(peer: u32, made: u32): void {
  atomic.or<u32>(Peers.record(peer).flagsAt, made ? PEER_FLAG_COMB : PEER_FLAG_NO_COMB);
}

/** The table of a peer's key; 0 while there is none. */
export function combOf(peer: u32): usize {
  return (Peers.record(peer).flags & PEER_FLAG_COMB) === 0 ? 0 : place(peer);
}

/**
 * Make those of two peers, which may be the same one, unless they are there, or cannot be: on the twist, or of small order; or four ladders take
 * less.
 */
export function makeCombs(one: u32, other: u32): void {
  if (FourLadders.sideBySide) return;
  const first = isMissing(one) ? place(one) : 0;
  const second = other !== one && isMissing(other) ? place(other) : 0;
  if (!first && !second) return;
  const made = makeTables(1, first, Peers.publicKey(one), second, Peers.publicKey(other));
  if (first) note(one, made & 1);
  if (second) note(other, made & 2);
}
