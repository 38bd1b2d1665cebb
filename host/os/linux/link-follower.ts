/**
 * Follows one interface into other network namespaces. A netlink socket that was opened with CAP_NET_BROADCAST hears of
 * links in every namespace that the kernel has a number for, and keeps hearing of them when the process has given that
 * right up; the move itself gives the new namespace its number. From there, a further move leads out of sight.
 */
import { NETLINK } from "../../ffi/constants.ts";
import { EINTR, ENOBUFS } from "../../ffi/errno.ts";
import { CMSGHDR, IOVEC, MMSGHDR } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";
import { setOption } from "../socket-option.ts";
import { type LinkPlace, openNetlink, parseNetlink } from "./netlink.ts";

/** Datagrams per read(). */
const READS_MAX = 16;
const HOME = "home";

// The scratch buffer during a read: the datagram, then one message header, its vector and its control messages.
const HEADER_AT = SCRATCH_BYTES - 256;
const VECTOR_AT = HEADER_AT + MMSGHDR.BYTES;
const CONTROL_AT = VECTOR_AT + IOVEC.BYTES;
const CONTROL_BYTES = 64;

export class LinkFollower {
  /** To wait on; −1 where the system does not let anybody follow. */
  readonly fd: number;
  readonly #libc: Libc;
  /** Namespace "home" is the one that the socket was opened in; undefined: the interface is out of sight. */
  #place: { namespace: number | typeof HOME; index: number } | undefined;

  constructor(libc: Libc) {
    this.#libc = libc;
    let fd = openNetlink(libc, NETLINK.RTMGRP_LINK, ["CAP_NET_BROADCAST"]);
    if (fd >= 0 && setOption(libc, fd, NETLINK.SOL_NETLINK, NETLINK.NETLINK_LISTEN_ALL_NSID, 1) < 0) {
      libc.close(fd);
      fd = -1;
    }
    this.fd = fd;
  }

  /** The interface is known to be in another namespace: one of its name at home is another one. */
  get isAway(): boolean {
    return this.#place !== undefined && this.#place.namespace !== HOME;
  }

  /** It was seen at home. */
  seenAtHome(index: number): void {
    this.#place = { namespace: HOME, index };
  }

  /** Take the news. @param report called with the MTU of the interface in another namespace, whenever it may be new */
  read(report: (mtu: number) => void): void {
    if (this.fd < 0) return;
    for (let i = 0; i < READS_MAX; i++) {
      const length = this.#receive();
      // What was missed may be its leaving home; whoever is away already is not to be looked for there.
      if (length === -ENOBUFS) this.#place = this.isAway ? this.#place : undefined;
      else if (length > 0) this.#take(this.#libc.scratch.bytes.slice(0, length), this.#origin(), report);
      else if (length !== -EINTR) return;
    }
  }

  #take(datagram: Uint8Array, origin: number | typeof HOME, report: (mtu: number) => void): void {
    parseNetlink(datagram, (event) => {
      if (event.kind !== "link" || origin !== this.#place?.namespace || event.index !== this.#place.index) return;
      if (event.movedTo !== undefined) this.#place = origin === HOME ? visible(event.movedTo) : undefined;
      else if (origin !== HOME && !event.removed && event.mtu > 0) report(event.mtu);
    });
  }

  /** @returns bytes at the beginning of the scratch buffer, or −errno */
  #receive(): number {
    const { bytes, view, at } = this.#libc.scratch;
    const pointer = (position: number): bigint => BigInt(this.#libc.pointer(at(position)));
    bytes.fill(0, HEADER_AT);
    view.setBigUint64(VECTOR_AT + IOVEC.base, pointer(0), true);
    view.setBigUint64(VECTOR_AT + IOVEC.length, BigInt(HEADER_AT), true);
    view.setBigUint64(HEADER_AT + MMSGHDR.iov, pointer(VECTOR_AT), true);
    view.setBigUint64(HEADER_AT + MMSGHDR.iovLength, 1n, true);
    view.setBigUint64(HEADER_AT + MMSGHDR.control, pointer(CONTROL_AT), true);
    view.setBigUint64(HEADER_AT + MMSGHDR.controlLength, BigInt(CONTROL_BYTES), true);
    return this.#libc.recvmsg(this.fd, at(HEADER_AT), 0);
  }

  /** The namespace that the datagram just received came from. The kernel adds its number to all but those from home. */
  #origin(): number | typeof HOME {
    const { view } = this.#libc.scratch;
    const isNumbered =
      view.getBigUint64(HEADER_AT + MMSGHDR.controlLength, true) >= BigInt(CMSGHDR.BYTES + 4) &&
      view.getUint32(CONTROL_AT + CMSGHDR.level, true) === NETLINK.SOL_NETLINK &&
      view.getUint32(CONTROL_AT + CMSGHDR.type, true) === NETLINK.NETLINK_LISTEN_ALL_NSID;
    return isNumbered ? view.getInt32(CONTROL_AT + CMSGHDR.BYTES, true) : HOME;
  }

  close(): void {
    if (this.fd >= 0) this.#libc.close(this.fd);
  }
}

function visible(place: LinkPlace): LinkPlace | undefined {
  return place.namespace >= 0 ? place : undefined;
}
