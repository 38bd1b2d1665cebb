/**
 * The protocol of sd_notify(3): lines that a service tells whoever started it, over a datagram socket that NOTIFY_SOCKET names. A socket that
 * is connected goes on to work where nothing may be connected any more.
 */
import { SystemError } from "../errors.ts";
import { POLL, SOCKET } from "../ffi/constants.ts";
import { EAFNOSUPPORT, EAGAIN, ESRCH } from "../ffi/errno.ts";
import { POLLFD, SOCKADDR_UN, UCRED } from "../ffi/layout.ts";
import { check, type Libc } from "../ffi/libc.ts";

/** The environment variable that names the socket. */
export const SERVICE_MANAGER_VARIABLE = "NOTIFY_SOCKET";

/** How long a manager that is busy is waited for. */
const ROOM_TIMEOUT_MS = 1000;
const PIDFD_BYTES = 4;

/**
 * @param address a path, or a name in the abstract namespace with "@" in front
 * @returns       a descriptor, for `tell`  @throws SystemError
 */
export function connectServiceManager(libc: Libc, address: string): number {
  // Others, such as vsock, are between machines.
  if (!/^[/@]./.test(address)) throw new SystemError("connect", EAFNOSUPPORT, address);
  return connectUnix(libc, address, SOCKET.SOCK_DGRAM | SOCKET.SOCK_NONBLOCK);
}

/** Tell it one or more lines. @returns why it was not told, if so */
export function tellServiceManager(libc: Libc, socket: number, lines: string): SystemError | undefined {
  const { view, at } = libc.scratch;
  view.setInt32(POLLFD.fd, socket, true);
  view.setUint16(POLLFD.events, POLL.POLLOUT, true);
  view.setUint16(POLLFD.happened, 0, true);
  if (libc.poll(at(0), 1, ROOM_TIMEOUT_MS) === 0) return new SystemError("write", EAGAIN, SERVICE_MANAGER_VARIABLE);
  const result = libc.write(socket, libc.text(lines), Buffer.byteLength(lines));
  return result < 0 ? new SystemError("write", -result, SERVICE_MANAGER_VARIABLE) : undefined;
}

/** Where it may have ended without its socket, its number may be a stranger's by now. */
export type Listener = "lives with its socket" | "may have handed its socket on";

/** The process that listens at a socket. @throws SystemError, also when it has ended */
export function listenerAt(libc: Libc, path: string, listener: Listener): number {
  const fd = connectUnix(libc, path, SOCKET.SOCK_STREAM);
  try {
    const { view } = libc.scratch;
    check("getsockopt", peerOption(libc, fd, SOCKET.SO_PEERCRED, UCRED.BYTES), path);
    const pid = view.getInt32(UCRED.pid, true);
    if (pid <= 0) throw new SystemError("getsockopt", ESRCH, path);
    if (listener === "may have handed its socket on") checkPeerLives(libc, fd, path);
    return pid;
  } finally {
    libc.close(fd);
  }
}

/** A number may be given again; a descriptor of the process is not. Kernels before 6.5 have none, and nobody is named there. */
function checkPeerLives(libc: Libc, fd: number, path: string): void {
  const { view, at } = libc.scratch;
  check("getsockopt", peerOption(libc, fd, SOCKET.SO_PEERPIDFD, PIDFD_BYTES), path);
  const pidfd = view.getInt32(0, true);
  view.setInt32(POLLFD.fd, pidfd, true);
  view.setUint16(POLLFD.events, POLL.POLLIN, true);
  view.setUint16(POLLFD.happened, 0, true);
  const ended = libc.poll(at(0), 1, 0);
  libc.close(pidfd);
  if (ended !== 0) throw new SystemError("getsockopt", ESRCH, path);
}

/** What a socket tells of its other end, at the start of the scratch memory. */
function peerOption(libc: Libc, fd: number, option: number, length: number): number {
  const { view, at } = libc.scratch;
  view.setUint32(length, length, true);
  return libc.getsockopt(fd, SOCKET.SOL_SOCKET, option, at(0), at(length));
}

function connectUnix(libc: Libc, address: string, type: number): number {
  const { bytes, view, at } = libc.scratch;
  const fd = check("socket", libc.socket(SOCKET.AF_UNIX, type | SOCKET.SOCK_CLOEXEC, 0));
  bytes.fill(0, 0, SOCKADDR_UN.BYTES);
  view.setUint16(SOCKADDR_UN.family, SOCKET.AF_UNIX, true);
  libc.text(address, SOCKADDR_UN.path);
  if (address.startsWith("@")) bytes[SOCKADDR_UN.path] = 0;
  const result = libc.connect(fd, at(0), SOCKADDR_UN.path + Buffer.byteLength(address));
  if (result < 0) libc.close(fd);
  check("connect", result, address);
  return fd;
}
