/**
 * The three keypairs of a peer and how they take turns (WireGuard paper §6.3; the kernel's noise.c):
 *
 *   initiator, on the response     new → current; old next, else old current → previous
 *   responder, on its response     new → next; previous is dropped
 *   responder, on the first valid message under `next`   current → previous, next → current
 *
 * In each case the old `previous` is deleted first, so three slots are enough.
 */
import { PEER_FLAG_REKEY_ASKED } from "../abi";
import { PeerRecord } from "../records/peer";
import { IndexTable } from "../routing/index-table";
import { Peers } from "../routing/peers";
import { Keypair } from "./keypair";

export class Keypairs {
  /**
   * The keypair in use. Where a message came under `next` and it is only noted so far, that is `next`: the peer may have forgotten
   * all others, and an answer to that message must not go out under one of them.
   */
  @inline static inUse(peer: u32): u32 {
    const record = Peers.record(peer);
    const next = record.next;
    return next && Keypair.of(peer, next).confirmed ? next : record.current;
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
    Keypairs.confirmNoted(peer);
    const record = Peers.record(peer);
    Keypairs.discard(peer, record.previous);
    record.previous = 0;
    const next = record.next;
    const current = record.current;
    if (initiator) {
      if (next) Keypairs.discard(peer, current);
      record.previous = next ? next : current;
      record.current = 0;
      Keypairs.allowRekey(record);
    } else {
      Keypairs.discard(peer, next);
    }
    record.next = 0;
    const number = Keypairs.free(record);
    if (initiator) record.current = number;
    else record.next = number;
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

  /** One without a role. The keypairs themselves are not read, so that a peer's first session does not read its page before it writes there. */
  private static free(record: PeerRecord): u32 {
    let number: u32 = 1;
    while (number === record.previous || number === record.current || number === record.next) number++;
    return number;
  }

  /** The first valid message under `next` came: it is current now. @returns whether that happened */
  static confirm(peer: u32, number: u32): bool {
    const record = Peers.record(peer);
    if (record.next !== number) return false;
    Keypairs.discard(peer, record.previous);
    record.previous = record.current;
    record.current = number;
    record.next = 0;
    Keypairs.allowRekey(record);
    return true;
  }

  /** As `confirm`, where other threads use the keypairs: it is only noted, until `confirmNoted`. */
  static noteConfirmed(peer: u32, number: u32): bool {
    if (Peers.record(peer).next !== number) return false;
    Keypair.of(peer, number).confirmed = 1;
    return true;
  }

  /** Make up for what `noteConfirmed` left, while all other threads pause. */
  static confirmNoted(peer: u32): void {
    const number = Peers.record(peer).next;
    if (number && Keypair.of(peer, number).confirmed) Keypairs.confirm(peer, number);
  }

  /** A handshake is complete: the new session may ask for its own last-minute rekey. */
  @inline private static allowRekey(record: PeerRecord): void {
    record.flags = record.flags & ~PEER_FLAG_REKEY_ASKED;
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
    const record = Peers.record(peer);
    Keypairs.discard(peer, record.previous);
    Keypairs.discard(peer, record.current);
    Keypairs.discard(peer, record.next);
    record.previous = 0;
    record.current = 0;
    record.next = 0;
  }
}
