/**
 * A handshake message that waits for the host, with the path it came along.
 * Memory: QUEUED_BYTES at `handshakeQueue` for each place of the queue; the message begins behind the fields.
 */
import { INITIATION_BYTES, QUEUED_BYTES, QUEUED_LENGTH, QUEUED_MESSAGE, QUEUED_PATH } from "../abi";
import { Path } from "./path";

@unmanaged
export class QueuedRecord {
  length: u32;
  unused: u32;
  path0: u64; // a Path
  path1: u64;
  path2: u64;
  path3: u64;
  path4: u64;
  path5: u64;

  @inline static at(address: usize): QueuedRecord {
    return changetype<QueuedRecord>(address);
  }

  @inline get path(): Path {
    return Path.at(changetype<usize>(this) + offsetof<QueuedRecord>("path0"));
  }

  /** INITIATION_BYTES at the most. */
  @inline get message(): usize {
    return changetype<usize>(this) + offsetof<QueuedRecord>();
  }
}

if (
  offsetof<QueuedRecord>("length") !== QUEUED_LENGTH ||
  offsetof<QueuedRecord>("path0") !== QUEUED_PATH ||
  offsetof<QueuedRecord>() !== QUEUED_MESSAGE ||
  QUEUED_MESSAGE + INITIATION_BYTES > QUEUED_BYTES
)
  ERROR("QueuedRecord is not laid out as abi.ts says");
