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
  IDENTITY_PRIVATE_KEY,
  IDENTITY_PUBLIC_KEY,
  INITIATION_BYTES,
  MESSAGE_INITIATION,
  PEER_HANDSHAKE,
  PEER_INITIATION_AT,
  PEER_LOCAL_INDEX,
  PEER_REMOTE_INDEX,
  PEER_TIMESTAMP,
  RANDOM_EPHEMERAL,
  SECRET_EPHEMERAL,
  SECRET_REMOTE_EPHEMERAL,
  SECRET_STATIC_STATIC,
} from "../abi";
import { INITIATION_SPACING } from "../constants";
import { isZero } from "../crypto/constant-time";
import { x25519Base } from "../crypto/x25519";
import { identity, random } from "../memory/layout";
import { Peer } from "../routing/peers";
import { stampMacs } from "./cookie";
import { Handshake, precompute } from "./handshake";
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
  const record = Peer.record(peer);
  const secret = Peer.secret(peer);
  SymmetricState.begin(Peer.publicKey(peer));

  x25519Base(message + EPHEMERAL, ephemeral); // e
  SymmetricState.mixEphemeral(message + EPHEMERAL);
  if (!SymmetricState.mixDh(ephemeral, Peer.publicKey(peer))) return false; // es
  SymmetricState.seal(message + STATIC, identity + IDENTITY_PUBLIC_KEY, 32); // s
  if (!precompute(peer)) return false; // ss
  SymmetricState.mixKey(secret + SECRET_STATIC_STATIC);
  Tai64n.write(SymmetricState.content, seconds, nanoseconds); // {t}
  SymmetricState.seal(message + TIMESTAMP, SymmetricState.content, TAI64N_BYTES);

  if (!Handshake.claimIndex(peer)) return false;
  store<u32>(message, MESSAGE_INITIATION);
  store<u32>(message, load<u32>(record, PEER_LOCAL_INDEX), SENDER);
  stampMacs(peer, message, INITIATION_BYTES, now);

  SymmetricState.commit(peer);
  memory.copy(secret + SECRET_EPHEMERAL, ephemeral, 32);
  memory.fill(secret + SECRET_REMOTE_EPHEMERAL, 0, 32);
  store<u32>(record, 0, PEER_REMOTE_INDEX);
  store<u32>(record, HANDSHAKE_CREATED_INITIATION, PEER_HANDSHAKE);
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

function consume(message: usize, now: f64): i32 {
  if (!Handshake.hasIdentity) return Handshake.dropped(DROP_HANDSHAKE);
  const content = SymmetricState.content;
  SymmetricState.begin(identity + IDENTITY_PUBLIC_KEY);

  SymmetricState.mixEphemeral(message + EPHEMERAL); // e
  const privateKey = identity + IDENTITY_PRIVATE_KEY;
  if (!SymmetricState.mixDh(privateKey, message + EPHEMERAL)) return Handshake.dropped(DROP_LOW_ORDER); // es
  if (!SymmetricState.open(content, message + STATIC, 32)) return Handshake.dropped(DROP_HANDSHAKE); // s
  const peer = Peer.find(content);
  if (peer < 0) return Handshake.dropped(DROP_UNKNOWN_PEER);
  const record = Peer.record(peer);
  const secret = Peer.secret(peer);
  if (!precompute(peer)) return Handshake.dropped(DROP_LOW_ORDER); // ss
  SymmetricState.mixKey(secret + SECRET_STATIC_STATIC);
  if (!SymmetricState.open(content, message + TIMESTAMP, TAI64N_BYTES)) return Handshake.dropped(DROP_HANDSHAKE); // {t}

  if (!Tai64n.later(content, record + PEER_TIMESTAMP)) return Handshake.dropped(DROP_TIMESTAMP);
  // As the kernel: exactly INITIATION_SPACING later is late enough. 0 is never.
  const last = load<f64>(record, PEER_INITIATION_AT);
  if (last !== 0 && last + INITIATION_SPACING > now) return Handshake.dropped(DROP_FLOOD);

  SymmetricState.commit(peer);
  memory.copy(record + PEER_TIMESTAMP, content, TAI64N_BYTES);
  memory.fill(secret + SECRET_EPHEMERAL, 0, 32); // an initiation of ours gives way
  memory.copy(secret + SECRET_REMOTE_EPHEMERAL, message + EPHEMERAL, 32);
  store<f64>(record, now, PEER_INITIATION_AT);
  store<u32>(record, load<u32>(message, SENDER), PEER_REMOTE_INDEX);
  store<u32>(record, HANDSHAKE_CONSUMED_INITIATION, PEER_HANDSHAKE);
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
