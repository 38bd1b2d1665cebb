/** What sockets and inherited descriptors need: options and blocking mode. */
import { FILE } from "../../ffi/constants.ts";
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
