/**
 * Receiver index → handshake or keypair. Indices are random and unique (WireGuard paper §5.4.2), so
 * the index is its own hash. Open addressing with linear probing; removal closes the gap.
 * Memory: indexTableMask + 1 entries of 8 bytes: index, then `owner` + 1 (0 = empty).
 * An owner is `peer << 2 | n`: n 1 to 3 is that peer's keypair, 0 its handshake under way.
 */
import { indexTable, indexTableMask } from "../memory/layout";

/** What `IndexTable.find` answers for an unknown index. */
export const NO_OWNER: u32 = u32.MAX_VALUE;

export class IndexTable {
  @inline private static entry(position: u32): usize {
    return indexTable + 8 * <usize>(position & indexTableMask);
  }

  /**
   * Write to the place of `index` before it is read. A page that is read first is the system's page of zeros, and writing to it is a second
   * fault, which interrupts every processor that this process runs on.
   */
  @inline private static touch(index: u32): void {
    atomic.add<u32>(IndexTable.entry(index), 0);
  }

  /** Position of `index`, or of the empty entry where it would go. */
  private static probe(index: u32): u32 {
    let position = index & indexTableMask;
    while (load<u32>(IndexTable.entry(position), 4) !== 0 && load<u32>(IndexTable.entry(position)) !== index) {
      position = (position + 1) & indexTableMask;
    }
    return position;
  }

  static find(index: u32): u32 {
    return load<u32>(IndexTable.entry(IndexTable.probe(index)), 4) - 1;
  }

  /** Claim `index`. @returns false if it is taken */
  static insert(index: u32, owner: u32): bool {
    IndexTable.touch(index);
    const entry = IndexTable.entry(IndexTable.probe(index));
    if (load<u32>(entry, 4) !== 0) return false;
    store<u32>(entry, index);
    store<u32>(entry, owner + 1, 4);
    return true;
  }

  /** Hand a claimed index to another owner: a handshake's to its keypair. */
  static setOwner(index: u32, owner: u32): void {
    const entry = IndexTable.entry(IndexTable.probe(index));
    if (load<u32>(entry, 4) !== 0) store<u32>(entry, owner + 1, 4);
  }

  static remove(index: u32): void {
    let hole = IndexTable.probe(index);
    if (load<u32>(IndexTable.entry(hole), 4) === 0) return;
    for (let next = (hole + 1) & indexTableMask; ; next = (next + 1) & indexTableMask) {
      const entry = IndexTable.entry(next);
      if (load<u32>(entry, 4) === 0) break;
      const home = load<u32>(entry) & indexTableMask;
      // The entry may move back to the hole unless its home lies behind the hole.
      if (((next - home) & indexTableMask) >= ((next - hole) & indexTableMask)) {
        store<u64>(IndexTable.entry(hole), load<u64>(entry));
        hole = next;
      }
    }
    store<u64>(IndexTable.entry(hole), 0);
  }
}
