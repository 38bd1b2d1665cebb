/** The receiving half of UDP on macOS: a recvmsg for each datagram, its addresses and control messages as RX descriptors. */
import { MESSAGE_BYTES_MAX } from "../../core/codes.ts";
import type { MemoryViews } from "../../core/core.ts";
import { pathLocalAt, setPathInterface } from "../../core/records/path.ts";
import { fillRx, rxAt, rxPath } from "../../core/records/rx.ts";
import { INET, SOCKET } from "../../ffi/darwin/constants.ts";
import { CMSGHDR, IN_PKTINFO, IN6_PKTINFO } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { copyWords, type Heads, socketAddressToPath } from "../socket-address.ts";
import { controlSpace, type Message } from "./message.ts";

/** Length and family. */
export const HEADS: Heads = { v4: (SOCKET.AF_INET << 8) | 16, v6: (SOCKET.AF_INET6 << 8) | 28 };

export interface ReceiveArea {
  /** Offset of slot 0; slot i is at buffer + i · MESSAGE_BYTES_MAX. */
  readonly buffer: number;
  readonly slots: number;
}

/**
 * Take what is waiting in one family's socket, without blocking.
 * @param descriptors offset of `most` receive descriptors
 * @returns messages received, 0 when none waits
 */
export function receive(
  libc: DarwinLibc,
  message: Message,
  { buffer, slots }: ReceiveArea,
  fd: number,
  family: 4 | 6,
  descriptors: number,
  most: number,
): number {
  const room = Math.min(most, slots);
  let count = 0;
  // What cannot be used takes no slot; so many of them end a turn, too.
  for (let tries = 0; tries < slots && count < room; tries++) {
    const slot = buffer + count * MESSAGE_BYTES_MAX;
    message.setBytes(slot, MESSAGE_BYTES_MAX);
    message.offer();
    const length = libc.recvmsg(fd, message.at, SOCKET.MSG_DONTWAIT);
    if (length < 0) break;
    if (describe(message, family, slot, length, rxAt(descriptors, count))) count++;
  }
  return count;
}

/** @returns false for a message that cannot be used */
function describe(message: Message, family: 4 | 6, slot: number, length: number, descriptor: number): boolean {
  const { views, control } = message;
  const { bytes, words } = views;
  if ((message.flags & SOCKET.MSG_TRUNC) !== 0 || length === 0) return false;
  if (!socketAddressToPath(views, message.name, rxPath(descriptor), HEADS)) return false;
  const [info, trafficClass] =
    family === 4 ? [INET.IP_PKTINFO, INET.IP_RECVTOS] : [INET.IPV6_PKTINFO, INET.IPV6_TCLASS];
  let tos = 0;
  const end = control + message.controlLength;
  for (let at = control; at + CMSGHDR.BYTES <= end; ) {
    const space = words[(at + CMSGHDR.length) >> 2]!;
    if (space < CMSGHDR.BYTES || at + space > end) break;
    const type = words[(at + CMSGHDR.type) >> 2]!;
    const data = at + CMSGHDR.BYTES;
    if (type === info) packetInfoToSource(views, data, family, rxPath(descriptor));
    else if (type === trafficClass) tos = bytes[data]!;
    at += controlSpace(space - CMSGHDR.BYTES);
  }
  fillRx(views, descriptor, slot, length, length, tos);
  return true;
}

/** Where the datagram came in. Of IPv4 the local address is left empty by the kernel, which tells the one it was sent to. */
function packetInfoToSource(views: MemoryViews, info: number, family: 4 | 6, path: number): void {
  const { words } = views;
  if (family === 4) {
    words[pathLocalAt(path) >> 2] = words[(info + IN_PKTINFO.destination) >> 2]!;
    setPathInterface(views, path, words[(info + IN_PKTINFO.interface) >> 2]!);
  } else {
    copyWords(words, pathLocalAt(path), info + IN6_PKTINFO.address, 4);
    setPathInterface(views, path, words[(info + IN6_PKTINFO.interface) >> 2]!);
  }
}
