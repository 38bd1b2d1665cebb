/**
 * The second message (WireGuard paper §5.4.3): e, ee, se, psk, {}.
 * Layout, 92 bytes: type 4 │ sender 4 │ receiver 4 │ ephemeral 32 │ nothing 0 + 16 │ mac1 16 │ mac2 16.
 */
import {
  DROP_HANDSHAKE,
  DROP_INDEX,
  DROP_LOW_ORDER,
  HANDSHAKE_CONSUMED_INITIATION,
  HANDSHAKE_CONSUMED_RESPONSE,
  HANDSHAKE_CREATED_INITIATION,
  HANDSHAKE_CREATED_RESPONSE,
  MESSAGE_RESPONSE,
  RANDOM_EPHEMERAL,
  RESPONSE_BYTES,
} from "../abi";
import { random } from "../memory/layout";
import { Identity } from "../records/identity";
import { IndexTable, NO_OWNER } from "../routing/index-table";
import { Peers } from "../routing/peers";
import { stampMacs } from "./cookie";
import { Handshake } from "./handshake";
import { SymmetricState } from "./symmetric-state";

const SENDER: usize = 4;
const RECEIVER: usize = 8;
const EPHEMERAL: usize = 12;
const NOTHING: usize = 44;

/** @returns false if nothing can be sent; then the handshake is as it was */
function create(peer: u32, message: usize, now: f64): bool {
  const ephemeral = random + RANDOM_EPHEMERAL;
  if (Handshake.state(peer) !== HANDSHAKE_CONSUMED_INITIATION) return false;
  const record = Peers.record(peer);
  const secret = Peers.secret(peer);
  SymmetricState.resume(peer);

  const out = message + EPHEMERAL;
  if (!SymmetricState.mixAnswer(out, peer, ephemeral)) return false; // e, ee, se
  SymmetricState.mixPresharedKey(secret.presharedKey); // psk
  SymmetricState.seal(message + NOTHING, message + NOTHING, 0); // {}

  if (!Handshake.claimIndex(peer)) return false;
  store<u32>(message, MESSAGE_RESPONSE);
  store<u32>(message, record.localIndex, SENDER);
  store<u32>(message, record.remoteIndex, RECEIVER);
  stampMacs(peer, message, RESPONSE_BYTES, now);

  SymmetricState.commit(peer);
  record.handshake = HANDSHAKE_CREATED_RESPONSE;
  return true;
}

/**
 * Answer the initiation just consumed. The host has just filled the region of random bytes, which is wiped, unless
 * all that they are for was computed ahead (answers.ts). Our ephemeral key is not kept: all that the session needs is in the chaining key.
 * @param message  RESPONSE_BYTES, any alignment
 * @returns bytes to send; 0 if no initiation waits for an answer, or with no index free
 */
export function createResponse(peer: u32, message: usize, now: f64): u32 {
  const created = create(peer, message, now);
  SymmetricState.wipe();
  Handshake.wipeRandom();
  if (created) return RESPONSE_BYTES;
  memory.fill(message, 0, RESPONSE_BYTES);
  return 0;
}

function consume(message: usize): i32 {
  if (!Handshake.hasIdentity) return Handshake.dropped(DROP_HANDSHAKE);
  const owner = IndexTable.find(load<u32>(message, RECEIVER));
  if (owner === NO_OWNER || (owner & 3) !== 0) return Handshake.dropped(DROP_INDEX);
  const peer = owner >> 2;
  if (Handshake.state(peer) !== HANDSHAKE_CREATED_INITIATION) return Handshake.dropped(DROP_HANDSHAKE);
  const record = Peers.record(peer);
  const secret = Peers.secret(peer);
  const ephemeral = message + EPHEMERAL;
  SymmetricState.resume(peer);

  SymmetricState.mixEphemeral(ephemeral); // e
  const privateKey = Identity.get().privateKey;
  if (!SymmetricState.mixBothDh(secret.ephemeral, privateKey, ephemeral)) return Handshake.dropped(DROP_LOW_ORDER); // ee, se
  SymmetricState.mixPresharedKey(secret.presharedKey); // psk
  if (!SymmetricState.open(SymmetricState.content, message + NOTHING, 0)) return Handshake.dropped(DROP_HANDSHAKE); // {}

  SymmetricState.commit(peer);
  memory.fill(secret.ephemeral, 0, 32); // served its purpose
  record.remoteIndex = load<u32>(message, SENDER);
  record.handshake = HANDSHAKE_CONSUMED_RESPONSE;
  return peer;
}

/**
 * Take a response whose type, size and mac1 are right.
 * @returns the peer, or −(1 + DROP_ reason); then the handshake waits on for the true response
 */
export function consumeResponse(message: usize): i32 {
  const peer = consume(message);
  SymmetricState.wipe();
  return peer;
}
