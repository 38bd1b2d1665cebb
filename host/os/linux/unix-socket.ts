/** Unix sockets as Linux has them: made non-blocking and kept from other programs in the same call. */
import { FILE, SOCKET } from "../../ffi/constants.ts";
import { ENXIO } from "../../ffi/errno.ts";
import { POLLFD, SOCKADDR_UN } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { NULL } from "../../ffi/posix.ts";
import { listenAt, type UnixCalls, UnixListener } from "../unix-socket.ts";
import { setNonBlocking } from "./descriptor.ts";

const FLAGS = SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC;

function unixCalls(libc: Libc): UnixCalls {
  const address = (path: string): number => {
    libc.scratch.bytes.fill(0, 0, SOCKADDR_UN.BYTES);
    libc.scratch.view.setUint16(SOCKADDR_UN.family, SOCKET.AF_UNIX, true);
    libc.text(path, SOCKADDR_UN.path);
    return libc.scratch.at(0);
  };
  return {
    pathBytes: SOCKADDR_UN.BYTES - SOCKADDR_UN.path,
    mkdir: (path, mode) => libc.mkdir(libc.text(path), mode),
    unlink: (path) => libc.unlink(libc.text(path)),
    umask: (mask) => libc.umask(mask),
    socket: () => libc.socket(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM | FLAGS, 0),
    bind: (fd, path) => libc.bind(fd, address(path), SOCKADDR_UN.BYTES),
    connect: (fd, path) => libc.connect(fd, address(path), SOCKADDR_UN.BYTES),
    listen: (fd, backlog) => libc.listen(fd, backlog),
    accept: (fd) => libc.accept4(fd, NULL, NULL, FLAGS),
    isReady(fd, events) {
      const { view, at } = libc.scratch;
      view.setInt32(POLLFD.fd, fd, true);
      view.setUint16(POLLFD.events, events, true);
      view.setUint16(POLLFD.happened, 0, true);
      return libc.poll(at(0), 1, 0) > 0;
    },
    kindOf(path) {
      const opened = libc.open(libc.text(path), FILE.O_RDONLY | FILE.O_NONBLOCK | FILE.O_CLOEXEC, 0);
      if (opened < 0) return opened === -ENXIO ? "socket" : "unknown";
      libc.close(opened);
      return "other";
    },
    read: (fd, at, capacity) => libc.read(fd, at, capacity),
    write: (fd, at, length) => libc.write(fd, at, length),
    close: (fd) => libc.close(fd),
  };
}

/** As listenAt. @throws SocketInUseError, SocketPathError, SocketDirectoryError, SystemError */
export function listenUnix(libc: Libc, path: string): UnixListener {
  return listenAt(unixCalls(libc), path);
}

/** Take over a listening descriptor (WG_UAPI_FD). @param path what to unlink on close; undefined: nothing */
export function adoptUnix(libc: Libc, fd: number, path?: string): UnixListener {
  setNonBlocking(libc, fd);
  return new UnixListener(unixCalls(libc), fd, path);
}
