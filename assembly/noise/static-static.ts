/**
 * DH of our static key with a peer's, ss (WireGuard paper §5.4.2). It is the same in all their handshakes, so it is kept with the peer's secrets,
 * and computed ahead where there is time. A result of zero is kept too, and refused each time.
 * Thread 0 alone calls these.
 */
import { PEER_FLAG_STATIC_STATIC } from "../abi";
import { isZero } from "../crypto/constant-time";
import { x25519 } from "../crypto/x25519";
import { x25519Four } from "../crypto/x25519-four";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Identity } from "../records/identity";
import { Peers } from "../routing/peers";
import { Handshake } from "./handshake";

// In scratch memory, of four peers.
const POINTS: usize = SCRATCH_NOISE;
const RESULTS: usize = POINTS + 128;
const END: usize = RESULTS + 128;

function isKnown(peer: u32): bool {
  return (Peers.record(peer).flags & PEER_FLAG_STATIC_STATIC) !== 0;
}

function noteKnown(peer: u32): void {
  const record = Peers.record(peer);
  record.flags = record.flags | PEER_FLAG_STATIC_STATIC;
}

/**
 * Compute it unless that is done already.
 * @returns false if there is no identity, or the peer's key has a low order
 */
export function precompute(peer: u32): bool {
  if (!Handshake.hasIdentity) return false;
  const shared = Peers.secret(peer).staticStatic;
  if (isKnown(peer)) return !isZero(shared, 32);
  noteKnown(peer);
  return x25519(shared, Identity.get().privateKey, Peers.publicKey(peer));
}

function putPoint(number: usize, peer: u32): void {
  memory.copy(SCRATCH + POINTS + 32 * number, Peers.publicKey(peer), 32);
}

function keep(number: usize, peer: u32): void {
  memory.copy(Peers.secret(peer).staticStatic, SCRATCH + RESULTS + 32 * number, 32);
  noteKnown(peer);
}

/** The same for four peers at once, in less time than singly. */
export function precomputeFour(first: u32, second: u32, third: u32, fourth: u32): void {
  if (!Handshake.hasIdentity) return;
  if (isKnown(first) && isKnown(second) && isKnown(third) && isKnown(fourth)) return;
  putPoint(0, first);
  putPoint(1, second);
  putPoint(2, third);
  putPoint(3, fourth);
  const privateKey = Identity.get().privateKey;
  x25519Four(SCRATCH + RESULTS, privateKey, privateKey, SCRATCH + POINTS);
  keep(0, first);
  keep(1, second);
  keep(2, third);
  keep(3, fourth);
  memory.fill(SCRATCH + POINTS, 0, END - POINTS);
}
