/**
 * Handshake messages that wait for the host, which answers them at its own pace: a bounded ring for each thread (QUEUED_…
 * of abi.ts). What finds no place is dropped and counted.
 */
import { DROP_HANDSHAKE_QUEUE, PATH_BYTES } from "../abi";
import { ThreadState } from "../memory/thread-state";
import { QueuedRecord } from "../records/queued";
import { countDrop } from "../transport/drops";

/** Keep a handshake message for the host, which answers them at its own pace. */
export function enqueueHandshake(message: usize, length: u32, path: usize): void {
  const place = ThreadState.get().enqueue();
  if (!place) return countDrop(DROP_HANDSHAKE_QUEUE);
  const entry = QueuedRecord.at(place);
  entry.length = length;
  memory.copy(entry.path.bytes, path, PATH_BYTES);
  memory.copy(entry.message, message, length);
}
