/**
 * DH of our static key with the ephemeral keys of two initiations, es, for two that wait one behind the other: side by side they take three
 * quarters of what they take singly (crypto/x25519-both.ts).
 * Memory: two places of PLACE_BYTES at `agreed`, among the secrets: an ephemeral public key, and the result. Taking a result wipes its place, and
 * `forgetAgreed` what nobody took: between turns of the host both are zero.
 * Thread 0 alone calls these, for it alone takes initiations.
 */
import { equal, isZero } from "../crypto/constant-time";
import { x25519 } from "../crypto/x25519";
import { x25519Both } from "../crypto/x25519-both";
import { AGREED_BYTES, agreed } from "../memory/layout";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Identity } from "../records/identity";

const PLACES: usize = 2;
const SHARED: usize = 32;
const PLACE_BYTES: usize = 64;
if (PLACES * PLACE_BYTES !== AGREED_BYTES) ERROR("the places are not laid out as layout.ts says");

function fill(place: usize, ephemeral: usize, shared: usize): void {
  memory.copy(place, ephemeral, 32);
  memory.copy(place + SHARED, shared, 32);
}

/** Compute both now; there is an identity. @param one,other  ephemeral public keys */
export function agreeOnBoth(one: usize, other: usize): void {
  const shared = SCRATCH + SCRATCH_NOISE;
  const privateKey = Identity.get().privateKey;
  x25519Both(shared, privateKey, one, privateKey, other);
  fill(agreed, one, shared);
  fill(agreed + PLACE_BYTES, other, shared + 32);
  memory.fill(shared, 0, 64);
}

/** Wipe what was computed for initiations that did not come to it. */
export function forgetAgreed(): void {
  memory.fill(agreed, 0, AGREED_BYTES);
}

/**
 * shared = DH(own static, ephemeral), 32 bytes: computed before, or now.
 * @returns false if it is all zero. So it is for a key of zeros, which a place that is empty seems to be for.
 */
export function agree(shared: usize, ephemeral: usize): bool {
  for (let place = agreed; place < agreed + AGREED_BYTES; place += PLACE_BYTES) {
    if (!equal(place, ephemeral, 32)) continue;
    memory.copy(shared, place + SHARED, 32);
    memory.fill(place, 0, PLACE_BYTES);
    return !isZero(shared, 32);
  }
  return x25519(shared, Identity.get().privateKey, ephemeral);
}
