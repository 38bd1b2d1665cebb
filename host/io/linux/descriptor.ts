/** What any file descriptor needs: closing, options, blocking mode, and waiting for one of them. */
import { FILE, WAIT } from "../../ffi/constants.ts";
import { POLLFD } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";

/** Set an int socket option. @returns 0 or −errno */
export function setOption(libc: Libc, fd: number, level: number, option: number, value: number): number {
  libc.scratch.view.setInt32(0, value, true);
  return libc.setsockopt(fd, level, option, libc.scratch.at(0), 4);
}

/** Read an int socket option. @returns its value, or −errno */
export function getOption(libc: Libc, fd: number, level: number, option: number): number {
  const { view, at } = libc.scratch;
  view.setUint32(0, 0, true);
  view.setUint32(8, 4, true);
  const result = libc.getsockopt(fd, level, option, at(0), at(8));
  return result < 0 ? result : view.getInt32(0, true);
}

/** For a descriptor that came from elsewhere. @throws SystemError */
export function setNonBlocking(libc: Libc, fd: number): void {
  const flags = check("fcntl", libc.fcntl(fd, FILE.F_GETFL, 0));
  check("fcntl", libc.fcntl(fd, FILE.F_SETFL, flags | FILE.O_NONBLOCK));
  check("fcntl", libc.fcntl(fd, FILE.F_SETFD, FILE.FD_CLOEXEC));
}

/** Wait until `fd` can be written, up to `timeoutMs`. @returns whether it can */
export function waitWritable(libc: Libc, fd: number, timeoutMs: number): boolean {
  const { view, at } = libc.scratch;
  view.setInt32(POLLFD.fd, fd, true);
  view.setUint16(POLLFD.events, WAIT.POLLOUT, true);
  view.setUint16(POLLFD.revents, 0, true);
  return libc.poll(at(0), 1, Math.ceil(timeoutMs)) > 0;
}
