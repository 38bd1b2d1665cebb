/**
 * The first message (WireGuard paper §5.4.2): e, es, s, ss, {t}.
 * Layout, 148 bytes: type 4 │ sender 4 │ ephemeral 32 │ static 32 + 16 │ timestamp 12 + 16 │ mac1 16 │ mac2 16.
 */
import {
  DROP_FLOOD,
  DROP_HANDSHAKE,
  DROP_LOW_ORDER,
  DROP_TIMESTAMP,
  DROP_UNKNOWN_PEER,
  HANDSHAKE_CONSUMED_INITIATION,
  HANDSHAKE_CREATED_INITIATION,
  INITIATION_BYTES,
  MESSAGE_INITIATION,
  RANDOM_EPHEMERAL,
} from "../abi";
import { INITIATION_SPACING } from "../constants";
import { isZero } from "../crypto/constant-time";
import { x25519Base } from "../crypto/x25519";
import { random } from "../memory/layout";
import { ThreadState } from "../memory/thread-state";
import { Identity } from "../records/identity";
import { QueuedRecord } from "../records/queued";
import { Peers } from "../routing/peers";
import { agreeOnBoth, agreeOnFour } from "./agreed";
import { stampMacs } from "./cookie";
import { Handshake } from "./handshake";
import { precompute } from "./static-static";
import { SymmetricState } from "./symmetric-state";
import { TAI64N_BYTES, Tai64n } from "./tai64n";

const SENDER: usize = 4;
const EPHEMERAL: usize = 8;
const STATIC: usize = 40;
const TIMESTAMP: usize = 88;

/** @returns false if nothing can be sent; then the handshake is as it was */
function create(peer: u32, message: usize, seconds: f64, nanoseconds: u32, now: f64): bool {
  const ephemeral = random + RANDOM_EPHEMERAL;
  if (!Handshake.hasIdentity || isZero(ephemeral, 32)) return false;
  const record = Peers.record(peer);
  const secret = Peers.secret(peer);
  SymmetricState.begin(Peers.publicKey(peer));

  x25519Base(message + EPHEMERAL, ephemeral); // e
  SymmetricState.mixFirstEphemeral(message + EPHEMERAL);
  if (!SymmetricState.mixDh(ephemeral, Peers.publicKey(peer))) return false; // es
  SymmetricState.seal(message + STATIC, Identity.get().publicKey, 32); // s
  if (!precompute(peer)) return false; // ss
  SymmetricState.mixKey(secret.staticStatic);
  Tai64n.write(SymmetricState.content, seconds, nanoseconds); // {t}
  SymmetricState.seal(message + TIMESTAMP, SymmetricState.content, TAI64N_BYTES);

  if (!Handshake.claimIndex(peer)) return false;
  store<u32>(message, MESSAGE_INITIATION);
  store<u32>(message, record.localIndex, SENDER);
  stampMacs(peer, message, INITIATION_BYTES, now);

  SymmetricState.commit(peer);
  memory.copy(secret.ephemeral, ephemeral, 32);
  memory.fill(secret.remoteEphemeral, 0, 32);
  record.remoteIndex = 0;
  record.handshake = HANDSHAKE_CREATED_INITIATION;
  return true;
}

/**
 * Make an initiation. The host has just filled the region of random bytes, which is wiped.
 * @param message  INITIATION_BYTES, any alignment
 * @param seconds  the wall clock: whole seconds since 1970, and nanoseconds
 * @returns bytes to send; 0 without identity, with a peer key of low order, or with no index free
 */
export function createInitiation(peer: u32, message: usize, seconds: f64, nanoseconds: u32, now: f64): u32 {
  const created = create(peer, message, seconds, nanoseconds, now);
  SymmetricState.wipe();
  Handshake.wipeRandom();
  if (created) return INITIATION_BYTES;
  memory.fill(message, 0, INITIATION_BYTES);
  return 0;
}

/** The ephemeral key of the initiation that waits behind `before` others; 0 where something else does, or nothing. */
function waitingEphemeral(before: u32): usize {
  const queued = ThreadState.get().queued(before);
  if (!queued) return 0;
  const message = QueuedRecord.at(queued).message;
  return load<u32>(message) === MESSAGE_INITIATION ? message + EPHEMERAL : 0;
}

/**
 * If the four or two oldest messages that wait are initiations, do what their first Diffie-Hellman takes for all of them at once; forgetAgreed
 * comes after they are consumed. @param most  2 or more. @returns for how many it was: 4, 2 or 0
 */
export function agreeAhead(most: u32): u32 {
  if (!Handshake.hasIdentity) return 0;
  const first = waitingEphemeral(0);
  const second = waitingEphemeral(1);
  if (!first || !second) return 0;
  const third = most < 4 ? 0 : waitingEphemeral(2);
  const fourth = most < 4 ? 0 : waitingEphemeral(3);
  if (third && fourth) {
    agreeOnFour(first, second, third, fourth);
    return 4;
  }
  agreeOnBoth(first, second);
  return 2;
}

function consume(message: usize, now: f64): i32 {
  if (!Handshake.hasIdentity) return Handshake.dropped(DROP_HANDSHAKE);
  const content = SymmetricState.content;
  SymmetricState.beginWithUs();

  SymmetricState.mixFirstEphemeral(message + EPHEMERAL); // e
  if (!SymmetricState.mixStaticDh(message + EPHEMERAL)) return Handshake.dropped(DROP_LOW_ORDER); // es
  if (!SymmetricState.open(content, message + STATIC, 32)) return Handshake.dropped(DROP_HANDSHAKE); // s
  const peer = Peers.find(content);
  if (peer < 0) return Handshake.dropped(DROP_UNKNOWN_PEER);
  const record = Peers.record(peer);
  const secret = Peers.secret(peer);
  if (!precompute(peer)) return Handshake.dropped(DROP_LOW_ORDER); // ss
  SymmetricState.mixKey(secret.staticStatic);
  if (!SymmetricState.open(content, message + TIMESTAMP, TAI64N_BYTES)) return Handshake.dropped(DROP_HANDSHAKE); // {t}

  if (!Tai64n.later(content, record.timestamp)) return Handshake.dropped(DROP_TIMESTAMP);
  // As the kernel: exactly INITIATION_SPACING later is late enough. 0 is never.
  const last = record.initiationAt;
  if (last !== 0 && last + INITIATION_SPACING > now) return Handshake.dropped(DROP_FLOOD);

  SymmetricState.commit(peer);
  memory.copy(record.timestamp, content, TAI64N_BYTES);
  memory.fill(secret.ephemeral, 0, 32); // an initiation of ours gives way
  memory.copy(secret.remoteEphemeral, message + EPHEMERAL, 32);
  record.initiationAt = now;
  record.remoteIndex = load<u32>(message, SENDER);
  record.handshake = HANDSHAKE_CONSUMED_INITIATION;
  return peer;
}

/**
 * Take an initiation whose type, size and mac1 are right.
 * @returns the peer, or −(1 + DROP_ reason); then the peer's handshake is as it was
 */
export function consumeInitiation(message: usize, now: f64): i32 {
  const peer = consume(message, now);
  SymmetricState.wipe();
  return peer;
}
