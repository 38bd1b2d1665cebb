/**
 * Asks the kernel for routes (RTM_GETROUTE). It answers while the question is being written, so a question costs two
 * short system calls and nobody waits. On a socket of its own: answers look like news of routes.
 */
import { INET, NETLINK, SOCKET } from "../../ffi/constants.ts";
import { EAGAIN, EINTR } from "../../ffi/errno.ts";
import { NLMSGHDR, RTATTR, RTMSG } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";
import { openRouteSocket } from "./netlink.ts";

export interface RouteQuestion {
  /** 4 or 16 bytes. */
  readonly to: Uint8Array;
  /** Source address of the packet; left out where the route may choose one. */
  readonly from?: Uint8Array;
  /** Interface that it must leave through; 0 for any. */
  readonly interface: number;
  /** UDP port that it goes to, and its mark: rules may ask for both. 0 for none. */
  readonly port: number;
  readonly mark: number;
  /** Only a route that somebody made; else IPv4 takes anything for a neighbour on an interface that is named. */
  readonly real?: true;
}

export interface RouteAnswer {
  /** 0 when there are several. */
  readonly interface: number;
  /** The destination is one of this machine's own addresses. */
  readonly local: boolean;
}

/** Stale answers that may lie in front of the right one. */
const READS_MAX = 8;

export class RouteQuery {
  readonly #libc: Libc;
  readonly #fd: number;
  #sequence = 0;

  /** For the network namespace that the calling thread is in. Without netlink no route is known. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#fd = openRouteSocket(libc);
  }

  /** @returns undefined when there is no such route, or the source is not this machine's (IPv4 only) */
  ask(question: RouteQuestion): RouteAnswer | undefined {
    if (this.#fd < 0) return undefined;
    const { at, view, bytes } = this.#libc.scratch;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const length = writeQuestion(bytes, view, question, this.#sequence);
    if (this.#libc.write(this.#fd, at(0), length) !== length) return undefined;
    for (let i = 0; i < READS_MAX; i++) {
      const read = this.#libc.read(this.#fd, at(0), SCRATCH_BYTES);
      if (read === -EAGAIN) return undefined;
      if (read === -EINTR || read < NLMSGHDR.BYTES) continue;
      if (view.getUint32(NLMSGHDR.sequence, true) === this.#sequence) return parseAnswer(bytes.subarray(0, read));
    }
    return undefined;
  }

  close(): void {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
  }
}

/** @returns length of the message */
function writeQuestion(bytes: Uint8Array, view: DataView, question: RouteQuestion, sequence: number): number {
  const { to, from, interface: device, port, mark } = question;
  bytes.fill(0, 0, 256);
  let end: number = NLMSGHDR.BYTES + RTMSG.BYTES;
  const attribute = (type: number, size: number): number => {
    const start = end;
    view.setUint16(start + RTATTR.length, RTATTR.BYTES + size, true);
    view.setUint16(start + RTATTR.type, type, true);
    end += (RTATTR.BYTES + size + 3) & ~3;
    return start + RTATTR.BYTES;
  };
  const message = NLMSGHDR.BYTES;
  view.setUint8(message + RTMSG.family, to.length === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6);
  view.setUint8(message + RTMSG.destinationBits, 8 * to.length);
  bytes.set(to, attribute(NETLINK.RTA_DST, to.length));
  if (question.real) view.setUint32(message + RTMSG.flags, NETLINK.RTM_F_FIB_MATCH, true);
  if (from !== undefined) {
    view.setUint8(message + RTMSG.sourceBits, 8 * from.length);
    bytes.set(from, attribute(NETLINK.RTA_SRC, from.length));
  }
  if (device !== 0) view.setUint32(attribute(NETLINK.RTA_OIF, 4), device, true);
  if (mark !== 0) view.setUint32(attribute(NETLINK.RTA_MARK, 4), mark, true);
  if (port !== 0) {
    // Kernels before 4.17 pass over both.
    view.setUint8(attribute(NETLINK.RTA_IP_PROTO, 1), INET.IPPROTO_UDP);
    view.setUint16(attribute(NETLINK.RTA_DPORT, 2), port, false);
  }
  view.setUint32(NLMSGHDR.length, end, true);
  view.setUint16(NLMSGHDR.type, NETLINK.RTM_GETROUTE, true);
  view.setUint16(NLMSGHDR.flags, NETLINK.NLM_F_REQUEST, true);
  view.setUint32(NLMSGHDR.sequence, sequence, true);
  return end;
}

/** Exported for tests, which feed it garbage. @returns undefined for an error message, and for what is cut short */
export function parseAnswer(datagram: Uint8Array): RouteAnswer | undefined {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const first = NLMSGHDR.BYTES + RTMSG.BYTES;
  if (view.byteLength < first || view.getUint16(NLMSGHDR.type, true) !== NETLINK.RTM_NEWROUTE) return undefined;
  const local = view.getUint8(NLMSGHDR.BYTES + RTMSG.type) === NETLINK.RTN_LOCAL;
  const end = Math.min(view.getUint32(NLMSGHDR.length, true), view.byteLength);
  for (let at: number = first; at + RTATTR.BYTES <= end; ) {
    const length = view.getUint16(at + RTATTR.length, true);
    if (length < RTATTR.BYTES || at + length > end) return undefined;
    if (view.getUint16(at + RTATTR.type, true) === NETLINK.RTA_OIF && length >= RTATTR.BYTES + 4) {
      return { interface: view.getUint32(at + RTATTR.BYTES, true), local };
    }
    at += (length + 3) & ~3;
  }
  return { interface: 0, local };
}
