/** The daemon and the descriptors it was started with: cut loose from a terminal, and never waiting for who reads its log. */
import { FILE, POLL } from "../../ffi/constants.ts";
import { POLLFD } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";

/** Point descriptors (0 stdin, 1 stdout, 2 stderr) at /dev/null. @throws SystemError */
export function detachStdio(libc: Libc, descriptors: readonly number[] = [0, 1, 2]): void {
  const fd = check("open", libc.open(libc.text("/dev/null"), FILE.O_RDWR | FILE.O_CLOEXEC, 0), "/dev/null");
  for (const target of descriptors) check("dup2", libc.dup2(fd, target));
  // It is one of them when that one was closed before.
  if (!descriptors.includes(fd)) libc.close(fd);
}

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
