/**
 * DH of our static key with the ephemeral keys of initiations, es, for four or two that wait one behind the other: at once they take less than
 * singly (crypto/x25519-four.ts, crypto/x25519-both.ts, crypto/comb-fresh.ts).
 * Memory: four places of PLACE_BYTES at `agreed`, among the secrets: an ephemeral public key, and the result. Taking a result wipes its place, and
 * `forgetAgreed` what nobody took: between turns of the host all are zero.
 * Thread 0 alone calls these, for it alone takes initiations.
 */

import { x25519Fresh } from "../crypto/comb-fresh";
import { equal, isZero } from "../crypto/constant-time";
import { x25519 } from "../crypto/x25519";
import { x25519Both } from "../crypto/x25519-both";
import { x25519Four } from "../crypto/x25519-four";
import { AGREED_BYTES, agreed } from "../memory/layout";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Identity } from "../records/identity";
import { Fresh } from "./fresh";

const PLACES: usize = 4;
const SHARED: usize = 32;
const PLACE_BYTES: usize = 64;
if (PLACES * PLACE_BYTES !== AGREED_BYTES) ERROR("the places are not laid out as layout.ts says");

// In scratch memory.
const RESULTS: usize = SCRATCH_NOISE;
const POINTS: usize = RESULTS + 32 * PLACES;
const POINTS_BYTES: usize = 32 * PLACES;

function fill(number: usize, ephemeral: usize): void {
  const place = agreed + PLACE_BYTES * number;
  memory.copy(place, ephemeral, 32);
  memory.copy(place + SHARED, SCRATCH + RESULTS + 32 * number, 32);
}

/** The results of both, where those of place `number` and the next one go. */
function computeBoth(number: usize, one: usize, other: usize): void {
  const privateKey = Identity.get().privateKey;
  const results = SCRATCH + RESULTS + 32 * number;
  const tables = Fresh.make(number >> 1, one, other);
  if (tables) x25519Fresh(results, privateKey, tables);
  else x25519Both(results, privateKey, one, privateKey, other);
}

/** Compute both now; there is an identity. @param one,other  ephemeral public keys */
export function agreeOnBoth(one: usize, other: usize): void {
  computeBoth(0, one, other);
  fill(0, one);
  fill(1, other);
  memory.fill(SCRATCH + RESULTS, 0, 64);
}

/** The same for four. */
export function agreeOnFour(first: usize, second: usize, third: usize, fourth: usize): void {
  const privateKey = Identity.get().privateKey;
  const points = SCRATCH + POINTS;
  memory.copy(points, first, 32);
  memory.copy(points + 32, second, 32);
  memory.copy(points + 64, third, 32);
  memory.copy(points + 96, fourth, 32);
  if (Fresh.useful) {
    computeBoth(0, points, points + 32);
    computeBoth(2, points + 64, points + 96);
  } else x25519Four(SCRATCH + RESULTS, privateKey, privateKey, points);
  for (let number: usize = 0; number < PLACES; number++) fill(number, points + 32 * number);
  memory.fill(SCRATCH + RESULTS, 0, POINTS + POINTS_BYTES - RESULTS);
}

/** Wipe what was computed for initiations that did not come to it. */
export function forgetAgreed(): void {
  memory.fill(agreed, 0, AGREED_BYTES);
  Fresh.forget();
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
