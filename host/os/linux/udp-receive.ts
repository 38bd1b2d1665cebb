/**
 * The receiving half of UDP on Linux: one recvmmsg fills slots in linear memory, and the addresses and
 * control messages become receive descriptors (RX_… of assembly/abi.ts).
 */
import { MESSAGE_BYTES_MAX } from "../../core/codes.ts";
import { fillRx, rxAt, rxPath } from "../../core/records/rx.ts";
import { INET, SOCKET } from "../../ffi/constants.ts";
import { EAGAIN, EINTR } from "../../ffi/errno.ts";
import { CMSGHDR } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";
import { socketAddressToPath } from "../socket-address.ts";
import { MessageTable, messageTableBytes } from "./message-table.ts";
import { HEADS, packetInfoToSource } from "./socket-address.ts";

/** Linear memory for the receive table, besides the slots themselves. */
export function udpReceiveBytes(slots: number): number {
  return messageTableBytes(slots);
}

export class UdpReceiver {
  readonly slots: number;
  readonly #libc: Libc;
  readonly #table: MessageTable;
  readonly #buffer: number;

  /**
   * @param area   8-byte aligned offset of udpReceiveBytes(slots) bytes that nobody else uses
   * @param buffer offset of slot 0; slot i is at buffer + i · MESSAGE_BYTES_MAX
   */
  constructor(libc: Libc, area: number, buffer: number, slots: number) {
    this.#libc = libc;
    this.slots = slots;
    this.#buffer = buffer;
    this.#table = new MessageTable(libc, area, slots);
    for (let i = 0; i < slots; i++) {
      this.#table.setBytes(i, buffer + i * MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX);
      this.#table.offer(i);
    }
  }

  /**
   * Take what is waiting, without blocking.
   * @param descriptors offset of `most` receive descriptors
   * @returns messages received, 0 when none waits, or −errno
   */
  receive(fd: number, family: 4 | 6, descriptors: number, most = this.slots): number {
    const table = this.#table;
    const room = Math.min(most, this.slots);
    const n = room === 1 ? this.#receiveOne(fd) : this.#receiveSome(fd, room);
    if (n < 0) return n === -EAGAIN || n === -EINTR ? 0 : n;
    let count = 0;
    for (let i = 0; i < n; i++) {
      if (this.#describe(i, family, rxAt(descriptors, count))) count++;
      table.offer(i);
    }
    return count;
  }

  #receiveSome(fd: number, room: number): number {
    return this.#libc.recvmmsg(fd, this.#table.headers, room, SOCKET.MSG_DONTWAIT);
  }

  /** By recvmsg, which has few enough arguments for Node to make no array of them. */
  #receiveOne(fd: number): number {
    const length = this.#libc.recvmsg(fd, this.#table.headers, SOCKET.MSG_DONTWAIT);
    if (length < 0) return length;
    this.#table.setLength(0, length);
    return 1;
  }

  /** Fill one descriptor. @returns false for a message that cannot be used */
  #describe(i: number, family: 4 | 6, descriptor: number): boolean {
    const table = this.#table;
    const { bytes, words } = table.views;
    const length = table.length(i);
    if ((table.flags(i) & SOCKET.MSG_TRUNC) !== 0) return false;
    if (!socketAddressToPath(table.views, table.name(i), rxPath(descriptor), HEADS)) return false;
    let segment = length;
    let tos = 0;
    const start = table.control(i);
    const end = start + table.controlLength(i);
    for (let at = start; at + CMSGHDR.BYTES <= end; ) {
      const space = words[(at + CMSGHDR.length) >> 2]!;
      if (space < CMSGHDR.BYTES || at + space > end) break;
      const level = words[(at + CMSGHDR.level) >> 2]!;
      const type = words[(at + CMSGHDR.type) >> 2]!;
      const data = at + CMSGHDR.BYTES;
      if (level === INET.IPPROTO_UDP) {
        if (type === INET.UDP_GRO) segment = words[data >> 2]!;
      } else if (type === (family === 4 ? INET.IP_PKTINFO : INET.IPV6_PKTINFO)) {
        packetInfoToSource(table.views, data, family, rxPath(descriptor));
      } else if (type === (family === 4 ? INET.IP_TOS : INET.IPV6_TCLASS)) {
        tos = bytes[data]!;
      }
      at += (space + 7) & ~7;
    }
    const train = segment === 0 || segment > length ? length : segment;
    fillRx(table.views, descriptor, this.#buffer + i * MESSAGE_BYTES_MAX, length, train, tos);
    return true;
  }
}
