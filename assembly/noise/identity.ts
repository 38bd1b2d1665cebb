/**
 * The device's static key pair and what follows from it. Without a key there is no identity: nothing is sent, nothing
 * is accepted. Sessions know nothing of the static key, so they are left to the host.
 */
import {
  IDENTITY_BYTES,
  IDENTITY_COOKIE_KEY,
  IDENTITY_MAC1_KEY,
  IDENTITY_PRESENT,
  IDENTITY_PRIVATE_KEY,
  IDENTITY_PUBLIC_KEY,
  PEER_FLAG_STATIC_STATIC,
  PEER_FLAGS,
  SECRET_STATIC_STATIC,
} from "../abi";
import { equal, isZero } from "../crypto/constant-time";
import { x25519Base } from "../crypto/x25519";
import { identity } from "../memory/layout";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Peer } from "../routing/peers";
import { LABEL_COOKIE, LABEL_MAC1, labelledKey } from "./cookie";
import { clearHandshake } from "./handshake";

/** Forget what was computed with the old key, and abandon handshakes that rest on it. */
function invalidatePeers(slots: u32): void {
  for (let peer: u32 = 0; peer < slots; peer++) {
    const record = Peer.record(peer);
    clearHandshake(peer);
    store<u32>(record, load<u32>(record, PEER_FLAGS) & ~PEER_FLAG_STATIC_STATIC, PEER_FLAGS);
    memory.fill(Peer.secret(peer) + SECRET_STATIC_STATIC, 0, 32);
  }
}

/** Clamp the key, as RFC 7748 §5 says, so that what is shown is what is used. */
function clamp(key: usize): void {
  store<u8>(key, load<u8>(key) & 248);
  store<u8>(key, (load<u8>(key, 31) & 127) | 64, 31);
}

/**
 * Become the owner of a private key; all zero: of none.
 * @param key    32 bytes, which the caller wipes
 * @param slots  peer slots 0 … slots − 1 are looked through
 * @returns      false if this key, or none, was set already: then nothing changed
 */
export function setPrivateKey(key: usize, slots: u32): bool {
  const present = load<u32>(identity, IDENTITY_PRESENT);
  if (isZero(key, 32)) {
    if (!present) return false;
    memory.fill(identity, 0, IDENTITY_BYTES);
    invalidatePeers(slots);
    return true;
  }
  const clamped = SCRATCH + SCRATCH_NOISE;
  memory.copy(clamped, key, 32);
  clamp(clamped);
  const same = present && equal(clamped, identity + IDENTITY_PRIVATE_KEY, 32);
  if (!same) memory.copy(identity + IDENTITY_PRIVATE_KEY, clamped, 32);
  memory.fill(clamped, 0, 32);
  if (same) return false;
  const publicKey = identity + IDENTITY_PUBLIC_KEY;
  x25519Base(publicKey, identity + IDENTITY_PRIVATE_KEY);
  labelledKey(identity + IDENTITY_MAC1_KEY, LABEL_MAC1, publicKey);
  labelledKey(identity + IDENTITY_COOKIE_KEY, LABEL_COOKIE, publicKey);
  store<u32>(identity, 1, IDENTITY_PRESENT);
  invalidatePeers(slots);
  return true;
}
