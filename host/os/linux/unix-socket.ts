/**
 * A listening unix stream socket whose connections are read and written in linear memory: private keys
 * that come through it never enter a JS buffer.
 */
import { dirname } from "node:path";
import { SocketDirectoryError, SocketInUseError, SocketPathError, SystemError } from "../../errors.ts";
import { FILE, POLL, SOCKET } from "../../ffi/constants.ts";
import {
  EACCES,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EEXIST,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EPERM,
  EROFS,
} from "../../ffi/errno.ts";
import { POLLFD, SOCKADDR_UN } from "../../ffi/layout.ts";
import { check, type Libc, NULL } from "../../ffi/libc.ts";
import type { ControlConnection, ControlListener } from "../uapi-server.ts";
import { setNonBlocking } from "./descriptor.ts";

/** Clients beyond it are told EAGAIN, or wait in connect(2). The system's own limit is 4096, or 128 before Linux 5.4. */
const BACKLOG = 1024;
const TYPE = SOCKET.SOCK_STREAM | SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC;

/**
 * Listen at `path`, for the owner only (mode 0700, as wireguard-go's). Creates the directory (0755), takes the place of a
 * socket that nobody answers on.
 * @throws SocketInUseError, SocketPathError, SocketDirectoryError, SystemError
 */
export function listenUnix(libc: Libc, path: string): UnixListener {
  const size = new TextEncoder().encode(path).length;
  if (size === 0 || size >= SOCKADDR_UN.BYTES - SOCKADDR_UN.path || path.includes("\0"))
    throw new SocketPathError(path);
  const directory = dirname(path);
  const made = libc.mkdir(libc.text(directory), 0o755);
  if (made < 0 && made !== -EEXIST) throw placeError(directory, new SystemError("mkdir", -made, directory));
  const fd = check("socket", libc.socket(SOCKET.AF_UNIX, TYPE, 0));
  try {
    let bound = bindPrivately(libc, fd, path);
    if (bound === -EADDRINUSE) {
      removeStale(libc, path);
      bound = bindPrivately(libc, fd, path);
    }
    if (bound < 0) throw placeError(directory, new SystemError("bind", -bound, path));
    check("listen", libc.listen(fd, BACKLOG), path);
    return new UnixListener(libc, fd, path);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** What keeps anything from being made in a directory. */
const NO_PLACE = new Set([EACCES, ENOENT, ENOTDIR, EPERM, EROFS]);

function placeError(directory: string, cause: SystemError): Error {
  return NO_PLACE.has(cause.errno) ? new SocketDirectoryError(directory, cause) : cause;
}

/** Take over a listening descriptor (WG_UAPI_FD). @param path what to unlink on close; undefined: nothing */
export function adoptUnix(libc: Libc, fd: number, path?: string): UnixListener {
  setNonBlocking(libc, fd);
  return new UnixListener(libc, fd, path);
}

export class UnixListener implements ControlListener {
  readonly fd: number;
  readonly path: string | undefined;
  readonly #libc: Libc;

  constructor(libc: Libc, fd: number, path: string | undefined) {
    this.#libc = libc;
    this.fd = fd;
    this.path = path;
  }

  someoneWaits(): boolean {
    const { view, at } = this.#libc.scratch;
    view.setInt32(POLLFD.fd, this.fd, true);
    view.setUint16(POLLFD.events, POLL.POLLIN, true);
    view.setUint16(POLLFD.happened, 0, true);
    return this.#libc.poll(at(0), 1, 0) > 0;
  }

  accept(): UnixConnection | undefined {
    const flags = SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC;
    const fd = this.#libc.accept4(this.fd, NULL, NULL, flags);
    return isAgain(fd) ? undefined : new UnixConnection(this.#libc, check("accept", fd, this.path));
  }

  /** Stop listening and remove the socket. Connections live on. */
  close(): void {
    this.#libc.close(this.fd);
    if (this.path !== undefined) this.#libc.unlink(this.#libc.text(this.path));
  }
}

export class UnixConnection implements ControlConnection {
  readonly fd: number;
  readonly #libc: Libc;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.fd = fd;
  }

  read(address: number, capacity: number): number {
    return this.#libc.read(this.fd, address, capacity);
  }

  write(address: number, length: number): number {
    return this.#libc.write(this.fd, address, length);
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}

/** True when a result says "not now" rather than "never". */
export function isAgain(result: number): boolean {
  return result === -EAGAIN;
}

function writeAddress(libc: Libc, path: string): number {
  libc.scratch.bytes.fill(0, 0, SOCKADDR_UN.BYTES);
  libc.scratch.view.setUint16(SOCKADDR_UN.family, SOCKET.AF_UNIX, true);
  libc.text(path, SOCKADDR_UN.path);
  return libc.scratch.at(0);
}

/** Bind so that at no time anyone else may connect. @returns 0 or −errno */
function bindPrivately(libc: Libc, fd: number, path: string): number {
  const address = writeAddress(libc, path);
  const before = libc.umask(0o077);
  const result = libc.bind(fd, address, SOCKADDR_UN.BYTES);
  libc.umask(before);
  return result;
}

/** @throws SocketInUseError when someone answers, SystemError when there is something else */
function removeStale(libc: Libc, path: string): void {
  const probe = check("socket", libc.socket(SOCKET.AF_UNIX, TYPE, 0));
  const result = libc.connect(probe, writeAddress(libc, path), SOCKADDR_UN.BYTES);
  libc.close(probe);
  // EAGAIN: someone listens, but the backlog is full.
  if (result >= 0 || result === -EAGAIN) throw new SocketInUseError(path);
  if (result === -ENOENT) return;
  // A file that is no socket refuses connections as well; opening a socket fails with ENXIO.
  const opened = libc.open(libc.text(path), FILE.O_RDONLY | FILE.O_NONBLOCK | FILE.O_CLOEXEC, 0);
  if (opened >= 0) {
    libc.close(opened);
    throw new SystemError("bind", EADDRINUSE, path);
  }
  if (result !== -ECONNREFUSED || opened !== -ENXIO) check("connect", result, path);
  check("unlink", libc.unlink(libc.text(path)), path);
}
