/**
 * The state of one peer's handshake, Noise_IKpsk2 (WireGuard paper §5.4), and what both roles share.
 *
 *   initiator   Zeroed ─ createInitiation → CreatedInitiation ─ consumeResponse → ConsumedResponse ─┐ beginSession
 *   responder   any ─ consumeInitiation → ConsumedInitiation ─ createResponse → CreatedResponse ────┴→ Zeroed
 *
 * A newer initiation, sent or received, replaces whatever was under way; a message that fails changes nothing.
 * Memory: state and indices in the peer's record, C, H and the ephemeral keys in its secret record.
 */
import {
  HANDSHAKE_ZEROED,
  IDENTITY_PRESENT,
  IDENTITY_PRIVATE_KEY,
  PEER_FLAG_STATIC_STATIC,
  PEER_FLAGS,
  PEER_HANDSHAKE,
  PEER_LOCAL_INDEX,
  PEER_REMOTE_INDEX,
  RANDOM_BYTES,
  RANDOM_INDICES,
  RANDOM_NONCE,
  SECRET_CHAINING_KEY,
  SECRET_COOKIE,
  SECRET_STATIC_STATIC,
} from "../abi";
import { isZero } from "../crypto/constant-time";
import { x25519 } from "../crypto/x25519";
import { identity, random } from "../memory/layout";
import { IndexTable } from "../routing/index-table";
import { Peer } from "../routing/peers";

export class Handshake {
  @inline static get hasIdentity(): bool {
    return load<u32>(identity, IDENTITY_PRESENT) !== 0;
  }

  @inline static state(peer: u32): u32 {
    return load<u32>(Peer.record(peer), PEER_HANDSHAKE);
  }

  /** What a consume function returns instead of a peer. */
  @inline static dropped(reason: i32): i32 {
    return -(1 + reason);
  }

  /** Random bytes serve once: whoever needs them again must ask the host for new ones. */
  @inline static wipeRandom(): void {
    memory.fill(random, 0, RANDOM_BYTES);
  }

  /**
   * Claim the first free index among the random candidates, and give up the one the handshake had.
   * @returns false if none is free; then nothing changed
   */
  static claimIndex(peer: u32): bool {
    const owner = peer << 2;
    const record = Peer.record(peer);
    const old = load<u32>(record, PEER_LOCAL_INDEX);
    const held = IndexTable.find(old) === owner;
    for (let candidate = random + RANDOM_INDICES; candidate < random + RANDOM_NONCE; candidate += 4) {
      const index = load<u32>(candidate);
      if (!IndexTable.insert(index, owner)) continue;
      if (held) IndexTable.remove(old);
      store<u32>(record, index, PEER_LOCAL_INDEX);
      return true;
    }
    return false;
  }

  /** Wipe C, H and both ephemeral keys. The index stays with whoever owns it. */
  static wipe(peer: u32): void {
    const record = Peer.record(peer);
    memory.fill(Peer.secret(peer) + SECRET_CHAINING_KEY, 0, SECRET_COOKIE - SECRET_CHAINING_KEY);
    store<u32>(record, 0, PEER_LOCAL_INDEX);
    store<u32>(record, 0, PEER_REMOTE_INDEX);
    store<u32>(record, HANDSHAKE_ZEROED, PEER_HANDSHAKE);
  }
}

/** Abandon the handshake under way, if any, and free its index. */
export function clearHandshake(peer: u32): void {
  const index = load<u32>(Peer.record(peer), PEER_LOCAL_INDEX);
  if (IndexTable.find(index) === peer << 2) IndexTable.remove(index);
  Handshake.wipe(peer);
}

/**
 * Compute DH(own static, peer's static) unless that is done already. A result of zero is kept too, and refused each time.
 * @returns false if there is no identity, or the peer's key has a low order
 */
export function precompute(peer: u32): bool {
  if (!Handshake.hasIdentity) return false;
  const record = Peer.record(peer);
  const shared = Peer.secret(peer) + SECRET_STATIC_STATIC;
  const flags = load<u32>(record, PEER_FLAGS);
  if (flags & PEER_FLAG_STATIC_STATIC) return !isZero(shared, 32);
  store<u32>(record, flags | PEER_FLAG_STATIC_STATIC, PEER_FLAGS);
  return x25519(shared, identity + IDENTITY_PRIVATE_KEY, Peer.publicKey(peer));
}
