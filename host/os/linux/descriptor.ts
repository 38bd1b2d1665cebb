/** What inherited descriptors need. */
import { FILE } from "../../ffi/constants.ts";
import { check, type Libc } from "../../ffi/libc.ts";

/** For a descriptor that came from elsewhere. @throws SystemError */
export function setNonBlocking(libc: Libc, fd: number): void {
  const flags = check("fcntl", libc.fcntl(fd, FILE.F_GETFL, 0));
  check("fcntl", libc.fcntl(fd, FILE.F_SETFL, flags | FILE.O_NONBLOCK));
  check("fcntl", libc.fcntl(fd, FILE.F_SETFD, FILE.FD_CLOEXEC));
}
