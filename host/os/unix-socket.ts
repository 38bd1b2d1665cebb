/**
 * A listening unix stream socket whose connections are read and written in linear memory: private keys that come through it never enter a JS
 * buffer. What systems differ in is behind UnixCalls.
 */
import { dirname } from "node:path";
import { SocketDirectoryError, SocketInUseError, SocketPathError, SystemError } from "../errors.ts";
import { EACCES, EADDRINUSE, EAGAIN, ECONNREFUSED, EEXIST, ENOENT, ENOTDIR, EPERM, EROFS } from "../ffi/errno.ts";
import { check } from "../ffi/libc.ts";
import { READABLE } from "./readiness.ts";
import type { ControlConnection, ControlListener } from "./uapi-server.ts";

/** Clients beyond it are told EAGAIN, or wait in connect(2). The system's own limit may be lower: Linux's is 4096, or 128 before 5.4. */
const BACKLOG = 1024;

/** Results as C's, or −errno. Paths go through the scratch buffer. */
export interface UnixCalls {
  /** Room for a path in a socket address, its end included. */
  readonly pathBytes: number;
  mkdir(path: string, mode: number): number;
  unlink(path: string): number;
  umask(mask: number): number;
  /** A stream socket that never blocks, and that no program inherits. */
  socket(): number;
  bind(fd: number, path: string): number;
  connect(fd: number, path: string): number;
  listen(fd: number, backlog: number): number;
  /** As `socket`, for the client that waits first. */
  accept(fd: number): number;
  /** @param events READABLE or WRITABLE, which are poll's, too */
  isReady(fd: number, events: number): boolean;
  /** What is at a path that refuses connections, told by opening it. */
  kindOf(path: string): "socket" | "other" | "unknown";
  read(fd: number, address: number, capacity: number): number;
  write(fd: number, address: number, length: number): number;
  close(fd: number): void;
}

/**
 * Listen at `path`, for the owner only (mode 0700, as wireguard-go's). Creates the directory (0755), takes the place of a
 * socket that nobody answers on.
 * @throws SocketInUseError, SocketPathError, SocketDirectoryError, SystemError
 */
export function listenAt(calls: UnixCalls, path: string): UnixListener {
  const size = new TextEncoder().encode(path).length;
  if (size === 0 || size >= calls.pathBytes || path.includes("\0")) throw new SocketPathError(path);
  const directory = dirname(path);
  const made = calls.mkdir(directory, 0o755);
  if (made < 0 && made !== -EEXIST) throw placeError(directory, new SystemError("mkdir", -made, directory));
  const fd = check("socket", calls.socket());
  try {
    let bound = bindPrivately(calls, fd, path);
    if (bound === -EADDRINUSE) {
      removeStale(calls, path);
      bound = bindPrivately(calls, fd, path);
    }
    if (bound < 0) throw placeError(directory, new SystemError("bind", -bound, path));
    check("listen", calls.listen(fd, BACKLOG), path);
    return new UnixListener(calls, fd, path);
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

/** What keeps anything from being made in a directory. */
const NO_PLACE = new Set([EACCES, ENOENT, ENOTDIR, EPERM, EROFS]);

function placeError(directory: string, cause: SystemError): Error {
  return NO_PLACE.has(cause.errno) ? new SocketDirectoryError(directory, cause) : cause;
}

export class UnixListener implements ControlListener {
  readonly fd: number;
  readonly path: string | undefined;
  readonly #calls: UnixCalls;

  /** @param path what to unlink on close; undefined: nothing */
  constructor(calls: UnixCalls, fd: number, path: string | undefined) {
    this.#calls = calls;
    this.fd = fd;
    this.path = path;
  }

  someoneWaits(): boolean {
    return this.#calls.isReady(this.fd, READABLE);
  }

  accept(): UnixConnection | undefined {
    const fd = this.#calls.accept(this.fd);
    return fd === -EAGAIN ? undefined : new UnixConnection(this.#calls, check("accept", fd, this.path));
  }

  /** Stop listening and remove the socket. Connections live on. */
  close(): void {
    this.#calls.close(this.fd);
    if (this.path !== undefined) this.#calls.unlink(this.path);
  }
}

export class UnixConnection implements ControlConnection {
  readonly fd: number;
  readonly #calls: UnixCalls;

  constructor(calls: UnixCalls, fd: number) {
    this.#calls = calls;
    this.fd = fd;
  }

  read(address: number, capacity: number): number {
    return this.#calls.read(this.fd, address, capacity);
  }

  write(address: number, length: number): number {
    return this.#calls.write(this.fd, address, length);
  }

  isReady(events: number): boolean {
    return this.#calls.isReady(this.fd, events);
  }

  close(): void {
    this.#calls.close(this.fd);
  }
}

/** Bind so that at no time anyone else may connect. @returns 0 or −errno */
function bindPrivately(calls: UnixCalls, fd: number, path: string): number {
  const before = calls.umask(0o077);
  const result = calls.bind(fd, path);
  calls.umask(before);
  return result;
}

/** @throws SocketInUseError when someone answers, SystemError when there is something else */
function removeStale(calls: UnixCalls, path: string): void {
  const probe = check("socket", calls.socket());
  const result = calls.connect(probe, path);
  calls.close(probe);
  // EAGAIN: someone listens, but the backlog is full.
  if (result >= 0 || result === -EAGAIN) throw new SocketInUseError(path);
  if (result === -ENOENT) return;
  // A file that is no socket refuses connections as well.
  const kind = calls.kindOf(path);
  if (kind === "other") throw new SystemError("bind", EADDRINUSE, path);
  if (result !== -ECONNREFUSED || kind !== "socket") check("connect", result, path);
  check("unlink", calls.unlink(path), path);
}
