/**
 * News of links, addresses and routes from the kernel (rtnetlink). Input is only ever trusted as far as
 * its own lengths reach; a message cut short ends the reading of its datagram.
 */
import { type Capability, withOnly } from "../../confine/capabilities.ts";
import { NETLINK, SOCKET, TUN } from "../../ffi/constants.ts";
import { EINTR, ENOBUFS } from "../../ffi/errno.ts";
import { IFADDRMSG, IFINFOMSG, NLMSGHDR, RTATTR, RTMSG, SOCKADDR_NL } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";

/** Where an interface has gone: the kernel's number for a network namespace, −1 for none, and its index there. */
export interface LinkPlace {
  readonly namespace: number;
  readonly index: number;
}

export type NetworkEvent =
  /** `movedTo`: it was removed here, because it goes to another network namespace. */
  | { kind: "link"; index: number; name: string; up: boolean; mtu: number; removed: boolean; movedTo?: LinkPlace }
  | { kind: "address"; family: 4 | 6; index: number; removed: boolean }
  /** A route, or a rule that chooses among routing tables. */
  | { kind: "route"; family: 4 | 6; removed: boolean }
  /** The kernel had to drop events: look again at everything. */
  | { kind: "overflow" };

const GROUPS =
  NETLINK.RTMGRP_LINK |
  NETLINK.RTMGRP_IPV4_IFADDR |
  NETLINK.RTMGRP_IPV4_ROUTE |
  NETLINK.RTMGRP_IPV4_RULE |
  NETLINK.RTMGRP_IPV6_IFADDR |
  NETLINK.RTMGRP_IPV6_ROUTE |
  (1 << (NETLINK.RTNLGRP_IPV6_RULE - 1));
/** Datagrams per read(): a flood of route changes must not keep the caller from its packets. */
const READS_MAX = 16;

/**
 * A socket for questions and news, in the calling thread's network namespace. It is opened without capabilities but these: the
 * kernel looks at its opener as well as at its user, so nobody will ever do more through it.
 * @returns −errno where the system has none, or lets nobody have one
 */
export function openRouteSocket(libc: Libc, capabilities: readonly Capability[] = []): number {
  const type = SOCKET.SOCK_RAW | SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC;
  return withOnly(libc, capabilities, () => libc.socket(SOCKET.AF_NETLINK, type, NETLINK.NETLINK_ROUTE));
}

/** @returns a socket that hears of these RTMGRP_…, or −errno */
export function openNetlink(libc: Libc, groups: number, capabilities: readonly Capability[] = []): number {
  const fd = openRouteSocket(libc, capabilities);
  if (fd < 0) return fd;
  const { bytes, view, at } = libc.scratch;
  bytes.fill(0, 0, SOCKADDR_NL.BYTES);
  view.setUint16(SOCKADDR_NL.family, SOCKET.AF_NETLINK, true);
  view.setUint32(SOCKADDR_NL.groups, groups, true);
  const result = libc.bind(fd, at(0), SOCKADDR_NL.BYTES);
  if (result < 0) libc.close(fd);
  return result < 0 ? result : fd;
}

export class NetworkMonitor {
  /** −errno where there is no netlink: then there is never news. */
  readonly fd: number;
  readonly #libc: Libc;

  /** Watches the network namespace that the calling thread is in. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.fd = openNetlink(libc, GROUPS);
  }

  /** Report what is waiting. Call again while it returns true. @returns whether more may be waiting */
  read(report: (event: NetworkEvent) => void): boolean {
    const { bytes, at } = this.#libc.scratch;
    if (this.fd < 0) return false;
    for (let i = 0; i < READS_MAX; i++) {
      const n = this.#libc.read(this.fd, at(0), SCRATCH_BYTES);
      if (n === -ENOBUFS) {
        report({ kind: "overflow" });
      } else if (n > 0) {
        // A copy, because the reporter may use the scratch buffer.
        parseNetlink(bytes.slice(0, n), report);
      } else if (n !== -EINTR) {
        return false;
      }
    }
    return true;
  }

  close(): void {
    if (this.fd >= 0) this.#libc.close(this.fd);
  }
}

/** Parse one netlink datagram; exported for tests, which feed it garbage. */
export function parseNetlink(datagram: Uint8Array, report: (event: NetworkEvent) => void): void {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + NLMSGHDR.BYTES <= view.byteLength; ) {
    const length = view.getUint32(at + NLMSGHDR.length, true);
    if (length < NLMSGHDR.BYTES || at + length > view.byteLength) return;
    const type = view.getUint16(at + NLMSGHDR.type, true);
    const event = parseMessage(type, datagram.subarray(at + NLMSGHDR.BYTES, at + length));
    if (event !== undefined) report(event);
    at += (length + 3) & ~3;
  }
}

function parseMessage(type: number, body: Uint8Array): NetworkEvent | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (type) {
    case NETLINK.RTM_NEWLINK:
    case NETLINK.RTM_DELLINK:
      return parseLink(view, type);
    case NETLINK.RTM_NEWADDR:
    case NETLINK.RTM_DELADDR: {
      if (view.byteLength < IFADDRMSG.BYTES) return undefined;
      const family = readFamily(view);
      if (family === undefined) return undefined;
      const index = view.getUint32(IFADDRMSG.index, true);
      return { kind: "address", family, index, removed: type === NETLINK.RTM_DELADDR };
    }
    case NETLINK.RTM_NEWROUTE:
    case NETLINK.RTM_DELROUTE:
    case NETLINK.RTM_NEWRULE:
    case NETLINK.RTM_DELRULE: {
      if (view.byteLength < RTMSG.BYTES) return undefined; // a rule's header has the same size
      const family = readFamily(view);
      const removed = type === NETLINK.RTM_DELROUTE || type === NETLINK.RTM_DELRULE;
      return family && { kind: "route", family, removed };
    }
    default:
      return undefined;
  }
}

/** The family is the first byte of every rtnetlink body. */
function readFamily(view: DataView): 4 | 6 | undefined {
  const family = view.getUint8(0);
  if (family === SOCKET.AF_INET) return 4;
  return family === SOCKET.AF_INET6 ? 6 : undefined;
}

function parseLink(view: DataView, type: number): NetworkEvent | undefined {
  // Bridge ports send link messages with family AF_BRIDGE: those say nothing about the link itself.
  if (view.byteLength < IFINFOMSG.BYTES || view.getUint8(IFINFOMSG.family) !== 0) return undefined;
  const index = view.getInt32(IFINFOMSG.index, true);
  const up = (view.getUint32(IFINFOMSG.flags, true) & TUN.IFF_UP) !== 0;
  let name = "";
  let mtu = 0;
  let newNamespace: number | undefined;
  let newIndex: number | undefined;
  for (let at: number = IFINFOMSG.BYTES; at + RTATTR.BYTES <= view.byteLength; ) {
    const length = view.getUint16(at + RTATTR.length, true);
    if (length < RTATTR.BYTES || at + length > view.byteLength) break;
    const attribute = view.getUint16(at + RTATTR.type, true);
    const size = length - RTATTR.BYTES;
    if (attribute === NETLINK.IFLA_IFNAME) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at + RTATTR.BYTES, size);
      const end = bytes.indexOf(0);
      name = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    } else if (attribute === NETLINK.IFLA_MTU && size >= 4) {
      mtu = view.getUint32(at + RTATTR.BYTES, true);
    } else if (attribute === NETLINK.IFLA_NEW_NETNSID && size >= 4) {
      newNamespace = view.getInt32(at + RTATTR.BYTES, true);
    } else if (attribute === NETLINK.IFLA_NEW_IFINDEX && size >= 4) {
      newIndex = view.getInt32(at + RTATTR.BYTES, true);
    }
    at += (length + 3) & ~3;
  }
  const removed = type === NETLINK.RTM_DELLINK;
  const link = { kind: "link", index, name, up, mtu, removed } as const;
  if (newNamespace === undefined || newIndex === undefined) return link;
  return { ...link, movedTo: { namespace: newNamespace, index: newIndex } };
}
