/**
 * One write to the inside, as the core tells the host: a gather list whose entries make up one packet.
 * Memory: WRITE_BYTES for each write, GATHER_BYTES for each entry, of each thread. An entry has the shape of an LP64
 * `struct iovec`, so that writev(2) reads it as it is.
 */
import {
  GATHER_ADDRESS,
  GATHER_BYTES,
  GATHER_LENGTH,
  WRITE_BYTES,
  WRITE_COUNT,
  WRITE_GATHER,
  WRITE_LENGTH,
} from "../abi";

@unmanaged
export class WriteRecord {
  /** Offset of the first entry. */
  gather: u32;
  /** Entries. */
  count: u32;
  /** Bytes in all. */
  length: u32;
  unused: u32;

  @inline static at(writes: usize, index: usize): WriteRecord {
    return changetype<WriteRecord>(writes + <usize>WRITE_BYTES * index);
  }
}

@unmanaged
export class GatherEntry {
  /** Machine address: memory base + offset. */
  address: u64;
  length: u64;

  @inline static at(address: usize): GatherEntry {
    return changetype<GatherEntry>(address);
  }
}

if (
  offsetof<WriteRecord>("gather") !== WRITE_GATHER ||
  offsetof<WriteRecord>("count") !== WRITE_COUNT ||
  offsetof<WriteRecord>("length") !== WRITE_LENGTH ||
  offsetof<WriteRecord>() !== WRITE_BYTES ||
  offsetof<GatherEntry>("address") !== GATHER_ADDRESS ||
  offsetof<GatherEntry>("length") !== GATHER_LENGTH ||
  offsetof<GatherEntry>() !== GATHER_BYTES
)
  ERROR("a write is not laid out as abi.ts says");
