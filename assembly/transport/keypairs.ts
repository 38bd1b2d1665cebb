/**
 * The three keypairs of a peer and how they take turns (WireGuard paper §6.3; the kernel's noise.c):
 *
 *   initiator, on the response     new → current; old next, else old current → previous
 *   responder, on its response     new → next; previous is dropped
 *   responder, on the first valid message under `next`   current → previous, next → current
 *
 * In each case the old `previous` is deleted first, so three slots are enough.
 */
import { PEER_CURRENT, PEER_FLAG_REKEY_ASKED, PEER_FLAGS, PEER_NEXT, PEER_PREVIOUS } from "../abi";
import { IndexTable } from "../routing/index-table";
import { Peer } from "../routing/peers";
import { Keypair } from "./keypair";

export class Keypairs {
  @inline static current(peer: u32): u32 {
    return load<u32>(Peer.record(peer), PEER_CURRENT);
  }

  /** Wipe one keypair and free its index. 0 is nobody. */
  private static discard(peer: u32, number: u32): void {
    if (!number) return;
    const keypair = Keypair.of(peer, number);
    IndexTable.remove(keypair.localIndex);
    keypair.wipe();
  }

  /**
   * Make room for a new keypair and put it in its role. The caller fills in the keys.
   * @param localIndex claimed in the index table by the handshake; now it is the keypair's
   */
  static begin(peer: u32, initiator: u32, localIndex: u32, remoteIndex: u32, now: f64): Keypair {
    const record = Peer.record(peer);
    Keypairs.discard(peer, load<u32>(record, PEER_PREVIOUS));
    store<u32>(record, 0, PEER_PREVIOUS);
    const next = load<u32>(record, PEER_NEXT);
    const current = load<u32>(record, PEER_CURRENT);
    if (initiator) {
      if (next) Keypairs.discard(peer, current);
      store<u32>(record, next ? next : current, PEER_PREVIOUS);
      store<u32>(record, 0, PEER_NEXT);
      Keypairs.allowRekey(record);
    } else {
      Keypairs.discard(peer, next);
    }
    const number = Keypairs.free(peer);
    store<u32>(record + (initiator ? PEER_CURRENT : PEER_NEXT), number);
    const keypair = Keypair.of(peer, number);
    keypair.wipe();
    keypair.live = 1;
    keypair.initiator = initiator;
    keypair.localIndex = localIndex;
    keypair.remoteIndex = remoteIndex;
    keypair.createdAt = now;
    keypair.peer = peer;
    IndexTable.setOwner(localIndex, (peer << 2) | number);
    return keypair;
  }

  private static free(peer: u32): u32 {
    return Keypair.of(peer, 1).live === 0 ? 1 : Keypair.of(peer, 2).live === 0 ? 2 : 3;
  }

  /** The first valid message under `next` came: it is current now. @returns whether that happened */
  static confirm(peer: u32, number: u32): bool {
    const record = Peer.record(peer);
    if (load<u32>(record, PEER_NEXT) !== number) return false;
    Keypairs.discard(peer, load<u32>(record, PEER_PREVIOUS));
    store<u32>(record, load<u32>(record, PEER_CURRENT), PEER_PREVIOUS);
    store<u32>(record, number, PEER_CURRENT);
    store<u32>(record, 0, PEER_NEXT);
    Keypairs.allowRekey(record);
    return true;
  }

  /** As `confirm`, where other threads use the keypairs: it is only noted, until `confirmNoted`. */
  static noteConfirmed(peer: u32, number: u32): bool {
    if (load<u32>(Peer.record(peer), PEER_NEXT) !== number) return false;
    Keypair.of(peer, number).confirmed = 1;
    return true;
  }

  /** Make up for what `noteConfirmed` left, while all other threads pause. */
  static confirmNoted(peer: u32): void {
    const number = load<u32>(Peer.record(peer), PEER_NEXT);
    if (number && Keypair.of(peer, number).confirmed) Keypairs.confirm(peer, number);
  }

  /** A handshake is complete: the new session may ask for its own last-minute rekey. */
  @inline private static allowRekey(record: usize): void {
    store<u32>(record, load<u32>(record, PEER_FLAGS) & ~PEER_FLAG_REKEY_ASKED, PEER_FLAGS);
  }

  /** Nothing more is sent under the present keys; what the peer sends under them still counts. */
  static retire(peer: u32): void {
    for (let number: u32 = 1; number <= 3; number++) {
      const keypair = Keypair.of(peer, number);
      if (keypair.live) keypair.retired = 1;
    }
  }

  /** All three are `milliseconds` older than our clock says: it stood still while the machine slept. */
  static age(peer: u32, milliseconds: f64): void {
    for (let number: u32 = 1; number <= 3; number++) {
      const keypair = Keypair.of(peer, number);
      if (keypair.live) keypair.createdAt -= milliseconds;
    }
  }

  /** Wipe all three. */
  static clear(peer: u32): void {
    const record = Peer.record(peer);
    Keypairs.discard(peer, load<u32>(record, PEER_PREVIOUS));
    Keypairs.discard(peer, load<u32>(record, PEER_CURRENT));
    Keypairs.discard(peer, load<u32>(record, PEER_NEXT));
    store<u32>(record, 0, PEER_PREVIOUS);
    store<u32>(record, 0, PEER_CURRENT);
    store<u32>(record, 0, PEER_NEXT);
  }
}
