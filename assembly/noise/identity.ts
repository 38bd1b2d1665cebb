/**
 * The device's static key pair and what follows from it. Without a key there is no identity: nothing is sent, nothing
 * is accepted. Sessions know nothing of the static key, so they are left to the host.
 */
import { PEER_FLAG_STATIC_STATIC } from "../abi";
import { equal, isZero } from "../crypto/constant-time";
import { x25519Base } from "../crypto/x25519";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Identity } from "../records/identity";
import { Peers } from "../routing/peers";
import { forgetAgreed } from "./agreed";
import { forgetAnswers } from "./answers";
import { beginMac1, LABEL_COOKIE, labelledKey } from "./cookie";
import { clearHandshake } from "./handshake";
import { SymmetricState } from "./symmetric-state";

/** Forget what was computed with the old key, and abandon handshakes that rest on it. */
function invalidatePeers(slots: u32): void {
  forgetAgreed();
  forgetAnswers();
  for (let peer: u32 = 0; peer < slots; peer++) {
    const record = Peers.record(peer);
    clearHandshake(peer);
    record.flags = record.flags & ~PEER_FLAG_STATIC_STATIC;
    memory.fill(Peers.secret(peer).staticStatic, 0, 32);
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
  const present = Identity.get().present;
  if (isZero(key, 32)) {
    if (!present) return false;
    Identity.get().wipe();
    invalidatePeers(slots);
    return true;
  }
  const clamped = SCRATCH + SCRATCH_NOISE;
  memory.copy(clamped, key, 32);
  clamp(clamped);
  const same = present && equal(clamped, Identity.get().privateKey, 32);
  if (!same) memory.copy(Identity.get().privateKey, clamped, 32);
  memory.fill(clamped, 0, 32);
  if (same) return false;
  const publicKey = Identity.get().publicKey;
  x25519Base(publicKey, Identity.get().privateKey);
  beginMac1(Identity.get().mac1Begun, publicKey);
  labelledKey(Identity.get().cookieKey, LABEL_COOKIE, publicKey);
  SymmetricState.initialHash(Identity.get().initialHash, publicKey);
  Identity.get().present = 1;
  invalidatePeers(slots);
  return true;
}
