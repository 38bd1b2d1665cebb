/**
 * From a finished handshake to a keypair (WireGuard paper §5.4.5): (T1, T2) = KDF2(C, nothing); the initiator sends
 * under T1 and receives under T2. The keys are written where they stay, and the handshake is wiped.
 */
import { HANDSHAKE_CONSUMED_RESPONSE, HANDSHAKE_CREATED_RESPONSE } from "../abi";
import { kdf2 } from "../crypto/hkdf";
import { Peers } from "../routing/peers";
import { Keypairs } from "../transport/keypairs";
import { Handshake } from "./handshake";

/** @returns false if the handshake is not finished; then nothing changed */
export function beginSession(peer: u32, now: f64): bool {
  const state = Handshake.state(peer);
  const initiator = state === HANDSHAKE_CONSUMED_RESPONSE;
  if (!initiator && state !== HANDSHAKE_CREATED_RESPONSE) return false;
  const record = Peers.record(peer);
  const localIndex = record.localIndex;
  const remoteIndex = record.remoteIndex;
  const keypair = Keypairs.begin(peer, initiator ? 1 : 0, localIndex, remoteIndex, now);
  const first = initiator ? keypair.sendingKey : keypair.receivingKey;
  const second = initiator ? keypair.receivingKey : keypair.sendingKey;
  kdf2(first, second, Peers.secret(peer).chainingKey, 0, 0);
  Handshake.wipe(peer);
  return true;
}
