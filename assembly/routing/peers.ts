/**
 * The peers of the device: slots, and the table from public key to slot.
 * Memory: each slot has a record in `peers` and one among the secrets (memory/peer-secrets.ts; fields in abi.ts); `keyTable` is open addressing with linear
 * probing, an entry is slot + 1 (0 = empty). Only the administrator inserts, so the hash needs no key.
 */
import { PEER_BYTES, SECRET_BYTES } from "../abi";
import { equal } from "../crypto/constant-time";
import { keyTable, keyTableMask, maxPeers, peers } from "../memory/layout";
import { PeerSecrets } from "../memory/peer-secrets";
import { PeerRecord } from "../records/peer";
import { PeerSecret } from "../records/peer-secret";

export class Peers {
  @inline static record(slot: u32): PeerRecord {
    return PeerRecord.at(peers + <usize>PEER_BYTES * slot);
  }

  @inline static secret(slot: u32): PeerSecret {
    return PeerSecret.at(PeerSecrets.record(slot));
  }

  @inline static publicKey(slot: u32): usize {
    return Peers.record(slot).publicKey;
  }

  @inline private static entry(position: u32): usize {
    return keyTable + 4 * <usize>(position & keyTableMask);
  }

  @inline private static hash(publicKey: usize): u32 {
    return <u32>(((load<u64>(publicKey) ^ load<u64>(publicKey, 16)) * 0x9e3779b97f4a7c15) >> 32) & keyTableMask;
  }

  /** Position of a key in the table, or of the empty entry where it would go. */
  private static probe(publicKey: usize): u32 {
    let position = Peers.hash(publicKey);
    let slot = load<u32>(Peers.entry(position));
    while (slot !== 0 && !equal(Peers.publicKey(slot - 1), publicKey, 32)) {
      position = (position + 1) & keyTableMask;
      slot = load<u32>(Peers.entry(position));
    }
    return position;
  }

  /** @returns slot of the peer with this public key, or -1 */
  static find(publicKey: usize): i32 {
    return <i32>load<u32>(Peers.entry(Peers.probe(publicKey))) - 1;
  }

  /**
   * Make a peer in a free slot; the key must be new.
   * @param slot chosen by the host, which keeps the list of free slots
   */
  static create(slot: u32, publicKey: usize): bool {
    if (slot >= maxPeers) return false;
    const position = Peers.probe(publicKey);
    if (load<u32>(Peers.entry(position)) !== 0) return false;
    memory.fill(Peers.record(slot).bytes, 0, PEER_BYTES);
    memory.fill(Peers.secret(slot).bytes, 0, SECRET_BYTES);
    memory.copy(Peers.publicKey(slot), publicKey, 32);
    Peers.record(slot).inUse = 1;
    store<u32>(Peers.entry(position), slot + 1);
    return true;
  }

  /** Forget the key and wipe both records. Sessions, handshake and routes must be gone already. */
  static remove(slot: u32): void {
    let hole = Peers.probe(Peers.publicKey(slot));
    for (let next = (hole + 1) & keyTableMask; ; next = (next + 1) & keyTableMask) {
      const other = load<u32>(Peers.entry(next));
      if (other === 0) break;
      const home = Peers.hash(Peers.publicKey(other - 1));
      if (((next - home) & keyTableMask) >= ((next - hole) & keyTableMask)) {
        store<u32>(Peers.entry(hole), other);
        hole = next;
      }
    }
    store<u32>(Peers.entry(hole), 0);
    memory.fill(Peers.record(slot).bytes, 0, PEER_BYTES);
    memory.fill(Peers.secret(slot).bytes, 0, SECRET_BYTES);
  }
}
