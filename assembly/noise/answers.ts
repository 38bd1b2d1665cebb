/**
 * What the answer to an initiation takes of X25519: the public half of our fresh ephemeral key, and its results with the initiator's ephemeral
 * key and with the static one, ee and se (crypto/x25519-answers.ts). For two initiations that were both accepted it is computed at once, and
 * one draw of random bytes serves both answers: what they need of it besides waits with the results.
 * Memory: two places of PLACE_BYTES at `answers`, among the secrets. Making the answer wipes its place, and `forgetAnswers` what nobody
 * took: between turns of the host both are zero. The ephemeral private keys are kept nowhere.
 * Thread 0 alone calls these.
 */
import {
  HANDSHAKE_CONSUMED_INITIATION,
  RANDOM_EPHEMERAL,
  RANDOM_INDICES,
  RANDOM_INDICES_BYTES,
  RANDOM_OTHER_EPHEMERAL,
  RANDOM_OTHER_INDICES,
} from "../abi";
import { equal, isZero } from "../crypto/constant-time";
import { x25519Answer, x25519Answers } from "../crypto/x25519-answers";
import { BOTH_NONZERO } from "../crypto/x25519-both";
import { ANSWERS_BYTES, answers, random } from "../memory/layout";
import { SCRATCH, SCRATCH_NOISE } from "../memory/scratch";
import { Peers } from "../routing/peers";
import { combOf } from "./combs";
import { Fresh } from "./fresh";
import { Handshake } from "./handshake";

// A place: whom the answer is for, and the key that it answers; then what is ready.
const OWNER: usize = 0; // u32: peer + 1
const REMOTE: usize = 16;
const PUBLIC: usize = 48;
const SHARED: usize = 80; // ee, se
const INDICES: usize = 144; // candidates for the receiver index
const PLACE_BYTES: usize = 176;
if (INDICES + <usize>RANDOM_INDICES_BYTES !== PLACE_BYTES) ERROR("a place does not end with its indices");
if (2 * PLACE_BYTES !== ANSWERS_BYTES) ERROR("the places are not laid out as layout.ts says");

// In scratch memory.
const PUBLIC_KEYS: usize = SCRATCH_NOISE;
const RESULTS: usize = PUBLIC_KEYS + 64;
const POINTS: usize = RESULTS + 128;
const END: usize = POINTS + 128;

function waits(peer: u32): bool {
  return Handshake.state(peer) === HANDSHAKE_CONSUMED_INITIATION;
}

function putPoints(points: usize, peer: u32): void {
  memory.copy(points, Peers.secret(peer).remoteEphemeral, 32);
  memory.copy(points + 32, Peers.publicKey(peer), 32);
}

function fill(number: usize, peer: u32, indices: usize): void {
  const place = answers + PLACE_BYTES * number;
  store<u32>(place, peer + 1, OWNER);
  memory.copy(place + REMOTE, Peers.secret(peer).remoteEphemeral, 32);
  memory.copy(place + PUBLIC, SCRATCH + PUBLIC_KEYS + 32 * number, 32);
  memory.copy(place + SHARED, SCRATCH + RESULTS + 64 * number, 64);
  memory.copy(place + INDICES, indices, RANDOM_INDICES_BYTES);
}

/**
 * Compute for both peers what answering takes, if both wait for an answer. The host has just filled the region of random bytes, which is
 * wiped. forgetAnswers comes after the answers are made.
 * @returns whether that was done; then making the answers takes no more random bytes
 */
export function answerAhead(one: u32, other: u32): bool {
  const ephemeral = random + RANDOM_EPHEMERAL;
  const otherEphemeral = random + RANDOM_OTHER_EPHEMERAL;
  const fresh = !isZero(ephemeral, 32) && !isZero(otherEphemeral, 32);
  const both = fresh && one !== other && waits(one) && waits(other);
  if (both) {
    const points = SCRATCH + POINTS;
    putPoints(points, one);
    putPoints(points + 64, other);
    const publicKeys = SCRATCH + PUBLIC_KEYS;
    const fresh = Fresh.of(points, points + 64);
    x25519Answers(publicKeys, SCRATCH + RESULTS, ephemeral, otherEphemeral, points, fresh, combOf(one), combOf(other));
    fill(0, one, random + RANDOM_INDICES);
    fill(1, other, random + RANDOM_OTHER_INDICES);
    memory.fill(SCRATCH + PUBLIC_KEYS, 0, END - PUBLIC_KEYS);
  }
  Handshake.wipeRandom();
  return both;
}

/** Wipe what was computed for answers that were not made. */
export function forgetAnswers(): void {
  memory.fill(answers, 0, ANSWERS_BYTES);
}

/**
 * publicKey = that of our ephemeral key, 32 bytes; shared = ee ‖ se: computed before, and then the candidates for the index are put back where
 * random bytes are; or computed now.
 * @param ephemeral  a private key, for when nothing was computed
 * @returns false if there is none, or one of the results is all zero
 */
export function answer(publicKey: usize, shared: usize, peer: u32, ephemeral: usize): bool {
  const remote = Peers.secret(peer).remoteEphemeral;
  for (let place = answers; place < answers + ANSWERS_BYTES; place += PLACE_BYTES) {
    if (load<u32>(place, OWNER) !== peer + 1 || !equal(place + REMOTE, remote, 32)) continue;
    memory.copy(publicKey, place + PUBLIC, 32);
    memory.copy(shared, place + SHARED, 64);
    memory.copy(random + RANDOM_INDICES, place + INDICES, RANDOM_INDICES_BYTES);
    memory.fill(place, 0, PLACE_BYTES);
    return !isZero(shared, 32) && !isZero(shared + 32, 32);
  }
  if (isZero(ephemeral, 32)) return false;
  const known = Peers.publicKey(peer);
  return x25519Answer(publicKey, shared, ephemeral, remote, known, combOf(peer)) === BOTH_NONZERO;
}
