/** Unix sockets as macOS has them: addresses begin with their length, and a socket that is accepted is prepared like any other. */
import { FILE, SOCKET } from "../../ffi/darwin/constants.ts";
import { POLLFD, SOCKADDR_UN } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { EOPNOTSUPP } from "../../ffi/errno.ts";
import { listenAt, type UnixCalls, UnixListener } from "../unix-socket.ts";
import { openSocket, prepare } from "./descriptor.ts";

function unixCalls(libc: DarwinLibc): UnixCalls {
  const address = (path: string): number => {
    libc.scratch.bytes.fill(0, 0, SOCKADDR_UN.BYTES);
    libc.scratch.bytes[SOCKADDR_UN.length] = SOCKADDR_UN.BYTES;
    libc.scratch.bytes[SOCKADDR_UN.family] = SOCKET.AF_UNIX;
    libc.text(path, SOCKADDR_UN.path);
    return libc.scratch.at(0);
  };
  return {
    pathBytes: SOCKADDR_UN.BYTES - SOCKADDR_UN.path,
    mkdir: (path, mode) => libc.mkdir(libc.text(path), mode),
    unlink: (path) => libc.unlink(libc.text(path)),
    umask: (mask) => libc.umask(mask),
    socket: () => openSocket(libc, SOCKET.AF_UNIX, SOCKET.SOCK_STREAM, 0),
    bind: (fd, path) => libc.bind(fd, address(path), SOCKADDR_UN.BYTES),
    connect: (fd, path) => libc.connect(fd, address(path), SOCKADDR_UN.BYTES),
    listen: (fd, backlog) => libc.listen(fd, backlog),
    accept(fd) {
      const accepted = libc.accept(fd, 0, 0);
      return accepted < 0 ? accepted : prepare(libc, accepted);
    },
    isReady: (fd, events) => isReady(libc, fd, events),
    kindOf(path) {
      const opened = libc.open(libc.text(path), FILE.O_RDONLY | FILE.O_NONBLOCK | FILE.O_CLOEXEC);
      if (opened < 0) return opened === -EOPNOTSUPP ? "socket" : "unknown";
      libc.close(opened);
      return "other";
    },
    read: (fd, at, capacity) => libc.read(fd, at, capacity),
    write: (fd, at, length) => libc.write(fd, at, length),
    close: (fd) => libc.close(fd),
  };
}

/** Without waiting. @param events POLLIN or POLLOUT */
export function isReady(libc: DarwinLibc, fd: number, events: number): boolean {
  const { view, at } = libc.scratch;
  // Whoever writes a line of the log may be in the midst of filling the scratch buffer.
  const before = view.getBigUint64(0, true);
  view.setInt32(POLLFD.fd, fd, true);
  view.setUint16(POLLFD.events, events, true);
  view.setUint16(POLLFD.happened, 0, true);
  const ready = libc.poll(at(0), 1, 0);
  view.setBigUint64(0, before, true);
  return ready > 0;
}

/** As listenAt. @throws SocketInUseError, SocketPathError, SocketDirectoryError, SystemError */
export function listenUnix(libc: DarwinLibc, path: string): UnixListener {
  return listenAt(unixCalls(libc), path);
}

/** Take over a listening descriptor (WG_UAPI_FD). @param path what to unlink on close */
export function adoptUnix(libc: DarwinLibc, fd: number, path: string): UnixListener {
  return new UnixListener(unixCalls(libc), prepare(libc, fd), path);
}
