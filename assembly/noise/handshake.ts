/**
 * The state of one peer's handshake, Noise_IKpsk2 (WireGuard paper §5.4), and what both roles share.
 *
 *   initiator   Zeroed ─ createInitiation → CreatedInitiation ─ consumeResponse → ConsumedResponse ─┐ beginSession
 *   responder   any ─ consumeInitiation → ConsumedInitiation ─ createResponse → CreatedResponse ────┴→ Zeroed
 *
 * A newer initiation, sent or received, replaces whatever was under way; a message that fails changes nothing.
 * Memory: state and indices in the peer's record, C, H and the ephemeral keys in its secret record.
 */
import { HANDSHAKE_ZEROED, RANDOM_BYTES, RANDOM_INDICES, RANDOM_INDICES_BYTES } from "../abi";
import { random } from "../memory/layout";
import { Identity } from "../records/identity";
import { IndexTable } from "../routing/index-table";
import { Peers } from "../routing/peers";

export class Handshake {
  @inline static get hasIdentity(): bool {
    return Identity.get().present !== 0;
  }

  @inline static state(peer: u32): u32 {
    return Peers.record(peer).handshake;
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
    const record = Peers.record(peer);
    const old = record.localIndex;
    const held = IndexTable.find(old) === owner;
    const candidates = random + RANDOM_INDICES;
    for (let candidate = candidates; candidate < candidates + RANDOM_INDICES_BYTES; candidate += 4) {
      const index = load<u32>(candidate);
      if (!IndexTable.insert(index, owner)) continue;
      if (held) IndexTable.remove(old);
      record.localIndex = index;
      return true;
    }
    return false;
  }

  /** Wipe C, H and both ephemeral keys. The index stays with whoever owns it. */
  static wipe(peer: u32): void {
    const record = Peers.record(peer);
    Peers.secret(peer).wipeHandshake();
    record.localIndex = 0;
    record.remoteIndex = 0;
    record.handshake = HANDSHAKE_ZEROED;
  }
}

/** Abandon the handshake under way, if any, and free its index. */
export function clearHandshake(peer: u32): void {
  const index = Peers.record(peer).localIndex;
  if (IndexTable.find(index) === peer << 2) IndexTable.remove(index);
  Handshake.wipe(peer);
}
