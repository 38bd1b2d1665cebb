/**
 * One UDP message to send, as the core tells the host: a datagram, or a train of equal datagrams (UDP_SEGMENT).
 * Memory: TX_BYTES at `txDescriptors` for each of TX_TRAINS, of each thread.
 */
import { TX_BYTES, TX_LENGTH, TX_OFFSET, TX_PATH, TX_PEER, TX_SEGMENT, TX_TOS } from "../abi";
import { txDescriptors } from "../memory/layout";
import { Path } from "./path";

@unmanaged
export class TxRecord {
  /** Where the bytes are. */
  offset: u32;
  length: u32;
  /** Datagram size; = length for a single one; only the last may be shorter. */
  segment: u32;
  /** Outer TOS or traffic class byte; in the byte above it the hop limit, 0 for the system's own. */
  tos: u32;
  /** Peer slot; NOBODY of transport/trains.ts for a cookie reply. */
  peer: u32;
  /** Datagrams in the train. */
  count: u32;
  path0: u64; // a Path
  path1: u64;
  path2: u64;
  path3: u64;
  path4: u64;
  path5: u64;

  @inline static of(train: u32): TxRecord {
    return changetype<TxRecord>(txDescriptors + <usize>TX_BYTES * train);
  }

  @inline get path(): Path {
    return Path.at(changetype<usize>(this) + offsetof<TxRecord>("path0"));
  }
}

if (
  offsetof<TxRecord>("offset") !== TX_OFFSET ||
  offsetof<TxRecord>("length") !== TX_LENGTH ||
  offsetof<TxRecord>("segment") !== TX_SEGMENT ||
  offsetof<TxRecord>("tos") !== TX_TOS ||
  offsetof<TxRecord>("peer") !== TX_PEER ||
  offsetof<TxRecord>("path0") !== TX_PATH ||
  offsetof<TxRecord>() !== TX_BYTES
)
  ERROR("TxRecord is not laid out as abi.ts says");
