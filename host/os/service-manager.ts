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
const SIGNAL_NONE = 0;

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

/** The process that listens at a socket. @throws SystemError, also when it has ended */
export function listenerAt(libc: Libc, path: string): number {
  const fd = connectUnix(libc, path, SOCKET.SOCK_STREAM);
  const { view, at } = libc.scratch;
  view.setUint32(UCRED.BYTES, UCRED.BYTES, true);
  const result = libc.getsockopt(fd, SOCKET.SOL_SOCKET, SOCKET.SO_PEERCRED, at(0), at(UCRED.BYTES));
  const pid = view.getInt32(UCRED.pid, true);
  libc.close(fd);
  check("getsockopt", result, path);
  if (pid <= 0) throw new SystemError("getsockopt", ESRCH, path);
  check("kill", libc.kill(pid, SIGNAL_NONE), path);
  return pid;
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
