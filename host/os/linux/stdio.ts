/** The descriptor that the log goes to: the daemon never waits for who reads it. */
import { POLL } from "../../ffi/constants.ts";
import { POLLFD } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";

/** Whether a write of a line would be taken at once, or fail at once. */
export function hasRoom(libc: Libc, descriptor: number): boolean {
  const { view, at } = libc.scratch;
  // Whoever writes a line may be in the midst of filling the scratch buffer.
  const before = view.getBigUint64(0, true);
  view.setInt32(POLLFD.fd, descriptor, true);
  view.setUint16(POLLFD.events, POLL.POLLOUT, true);
  view.setUint16(POLLFD.happened, 0, true);
  const ready = libc.poll(at(0), 1, 0);
  view.setBigUint64(0, before, true);
  return ready > 0;
}
