/**
 * UDP sockets for ports to come. Buffers beyond the system's limit take CAP_NET_ADMIN, which the daemon gives up: so a
 * number of sockets gets them before that, unbound, and each change of port or of the interface's state takes some. When
 * none is left, new sockets have the buffers that the system grants everybody (net.core.rmem_max, wmem_max).
 */
import { PROCESS, SOCKET } from "../../ffi/constants.ts";
import { RLIMIT } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { systemCall } from "../../ffi/system-calls.ts";
import { setOption } from "../socket-option.ts";

/** What wireguard-go asks for; the kernel grants what it likes. */
const BUFFER_BYTES = 7 << 20;
/** Times that the ports can change, each taking a socket of either family for every thread. */
const CHANGES = 16;
/** Part of the descriptors that a process may have. */
const SHARE_MAX = 1 / 8;

type Family = 4 | 6;

/** Of this process: it has one confinement, and one thread that opens sockets. */
let wanted = 0;
const reserve: Record<Family, number[]> = { 4: [], 6: [] };

/** Beyond the system's limit where that is allowed, else up to it. */
function enlarge(libc: Libc, fd: number, beyond: number, within: number): void {
  const forced = setOption(libc, fd, SOCKET.SOL_SOCKET, beyond, BUFFER_BYTES);
  if (forced < 0) setOption(libc, fd, SOCKET.SOL_SOCKET, within, BUFFER_BYTES);
}

/** @returns a socket with large buffers, if the system grants them, or −errno */
function open(libc: Libc, family: Family): number {
  const domain = family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
  const fd = libc.socket(domain, SOCKET.SOCK_DGRAM | SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  enlarge(libc, fd, SOCKET.SO_RCVBUFFORCE, SOCKET.SO_RCVBUF);
  enlarge(libc, fd, SOCKET.SO_SNDBUFFORCE, SOCKET.SO_SNDBUF);
  return fd;
}

/** Descriptors that this process may have. */
function descriptorLimit(libc: Libc): number {
  const { view, at } = libc.scratch;
  const result = libc.systemCall(systemCall("prlimit64")!, 0, PROCESS.RLIMIT_NOFILE, 0, libc.pointer(at(0)));
  return result < 0 ? 0 : Number(view.getBigUint64(RLIMIT.current, true));
}

/** Lay sockets by for `threads` threads, as many as there is room for. */
export function keepUdpSockets(libc: Libc, threads: number): void {
  const room = Math.floor((descriptorLimit(libc) * SHARE_MAX) / (2 * threads));
  wanted = Math.min(CHANGES, room) * threads;
  for (const family of [4, 6] as const) {
    while (reserve[family].length < wanted) {
      const fd = open(libc, family);
      if (fd < 0) break;
      reserve[family].push(fd);
    }
  }
}

/** An unbound socket with buffers as large as they can be had. @returns its descriptor, or −errno */
export function takeUdpSocket(libc: Libc, family: Family): number {
  return reserve[family].pop() ?? open(libc, family);
}

/** Give back a socket that could not be bound. Where none are laid by, it is closed. */
export function returnUdpSocket(libc: Libc, fd: number, family: Family): void {
  if (reserve[family].length >= wanted) {
    libc.close(fd);
    return;
  }
  setOption(libc, fd, SOCKET.SOL_SOCKET, SOCKET.SO_REUSEPORT, 0);
  reserve[family].push(fd);
}
