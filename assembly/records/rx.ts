/**
 * One received UDP message, as the host tells the core: a datagram, or a train of equal datagrams that the kernel merged
 * (UDP_GRO). Memory: RX_BYTES at `rxDescriptors` for each of RX_SLOTS, of each thread.
 */
import { RX_BYTES, RX_LENGTH, RX_OFFSET, RX_PATH, RX_SEGMENT, RX_TOS } from "../abi";
import { rxDescriptors } from "../memory/layout";
import { Path } from "./path";

@unmanaged
export class RxRecord {
  /** Where the bytes are. */
  offset: u32;
  length: u32;
  /** Datagram size within the train (= length for a single one); the last may be shorter. */
  segment: u32;
  /** Outer TOS or traffic class byte. */
  tos: u32;
  path0: u64; // a Path
  path1: u64;
  path2: u64;
  path3: u64;
  path4: u64;
  path5: u64;

  @inline static of(index: u32): RxRecord {
    return changetype<RxRecord>(rxDescriptors + <usize>RX_BYTES * index);
  }

  @inline get path(): Path {
    return Path.at(changetype<usize>(this) + offsetof<RxRecord>("path0"));
  }
}

if (
  offsetof<RxRecord>("offset") !== RX_OFFSET ||
  offsetof<RxRecord>("length") !== RX_LENGTH ||
  offsetof<RxRecord>("segment") !== RX_SEGMENT ||
  offsetof<RxRecord>("tos") !== RX_TOS ||
  offsetof<RxRecord>("path0") !== RX_PATH ||
  offsetof<RxRecord>() !== RX_BYTES
)
  ERROR("RxRecord is not laid out as abi.ts says");
