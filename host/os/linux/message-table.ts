/**
 * A table of `struct mmsghdr` in linear memory, with an iovec, a socket address and room for control
 * messages each. The pointers among them are written once; what changes per message is a few words.
 */

import { type MemoryViews, viewsOf } from "../../core/records/memory.ts";
import { CMSGHDR, IOVEC, MMSGHDR } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";

const NAME_BYTES = 32; // sockaddr_in6, rounded up
const CONTROL_BYTES = 128; // IPV6_PKTINFO 40, IPV6_TCLASS 24, IPV6_HOPLIMIT 24, UDP_GRO or UDP_SEGMENT 24, and some to spare
const ENTRY_BYTES = MMSGHDR.BYTES + IOVEC.BYTES + NAME_BYTES + CONTROL_BYTES;

/** Linear memory that a table of `count` messages needs. */
export function messageTableBytes(count: number): number {
  return count * ENTRY_BYTES;
}

export class MessageTable {
  /** Offset of the first mmsghdr, as sendmmsg and recvmmsg take it. */
  readonly headers: number;
  readonly count: number;
  readonly views: MemoryViews;
  readonly #iovecs: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #baseLow: number;
  readonly #baseHigh: number;

  /** @param area 8-byte aligned offset of messageTableBytes(count) bytes that nobody else uses */
  constructor(libc: Libc, area: number, count: number) {
    this.views = viewsOf(libc.memory);
    this.count = count;
    this.headers = area;
    this.#iovecs = area + count * MMSGHDR.BYTES;
    this.#names = this.#iovecs + count * IOVEC.BYTES;
    this.#controls = this.#names + count * NAME_BYTES;
    this.#baseLow = Number(libc.base & 0xffffffffn);
    this.#baseHigh = Number(libc.base >> 32n);
    this.views.bytes.fill(0, area, area + messageTableBytes(count));
    for (let i = 0; i < count; i++) {
      const header = this.#header(i);
      this.#setPointer(header + MMSGHDR.name, this.name(i));
      this.#setPointer(header + MMSGHDR.iov, this.#iovecs + i * IOVEC.BYTES);
      this.views.words[(header + MMSGHDR.iovLength) >> 2] = 1;
      this.#setPointer(header + MMSGHDR.control, this.control(i));
    }
  }

  #header(i: number): number {
    return this.headers + i * MMSGHDR.BYTES;
  }

  /** Store the machine address of a linear-memory offset (u64). */
  #setPointer(field: number, offset: number): void {
    const low = this.#baseLow + offset;
    this.views.words[field >> 2] = low;
    this.views.words[(field >> 2) + 1] = low >= 0x100000000 ? this.#baseHigh + 1 : this.#baseHigh;
  }

  /** Offset of message i's socket address. */
  name(i: number): number {
    return this.#names + i * NAME_BYTES;
  }

  /** Offset of message i's control area. */
  control(i: number): number {
    return this.#controls + i * CONTROL_BYTES;
  }

  /** Which bytes message i sends, or where it is received. */
  setBytes(i: number, offset: number, length: number): void {
    const iovec = this.#iovecs + i * IOVEC.BYTES;
    this.#setPointer(iovec + IOVEC.base, offset);
    this.views.words[(iovec + IOVEC.length) >> 2] = length;
  }

  /** The offset that setBytes was given. */
  offset(i: number): number {
    // Exact in 32 bits: linear memory is at most 4 GiB.
    return (this.views.words[(this.#iovecs + i * IOVEC.BYTES + IOVEC.base) >> 2]! - this.#baseLow) >>> 0;
  }

  /** The length that setBytes was given. */
  size(i: number): number {
    return this.views.words[(this.#iovecs + i * IOVEC.BYTES + IOVEC.length) >> 2]!;
  }

  /** For sending: how much of the socket address and the control area is filled. */
  setLengths(i: number, nameLength: number, controlLength: number): void {
    const at = this.#header(i) >> 2;
    this.views.words[at + (MMSGHDR.nameLength >> 2)] = nameLength;
    this.views.words[at + (MMSGHDR.controlLength >> 2)] = controlLength;
  }

  /** For receiving: offer the whole of both areas; the kernel shortens the lengths each time. */
  offer(i: number): void {
    this.setLengths(i, NAME_BYTES, CONTROL_BYTES);
  }

  /** Bytes received into message i. */
  length(i: number): number {
    return this.views.words[(this.#header(i) + MMSGHDR.length) >> 2]!;
  }

  /** What recvmmsg does by itself, and recvmsg does not. */
  setLength(i: number, bytes: number): void {
    this.views.words[(this.#header(i) + MMSGHDR.length) >> 2] = bytes;
  }

  flags(i: number): number {
    return this.views.words[(this.#header(i) + MMSGHDR.flags) >> 2]!;
  }

  controlLength(i: number): number {
    return this.views.words[(this.#header(i) + MMSGHDR.controlLength) >> 2]!;
  }

  /** Start a control message at `at`. @returns where its data go */
  beginControl(at: number, level: number, type: number, dataLength: number): number {
    const { words } = this.views;
    words[(at + CMSGHDR.length) >> 2] = CMSGHDR.BYTES + dataLength;
    words[(at + CMSGHDR.length + 4) >> 2] = 0;
    words[(at + CMSGHDR.level) >> 2] = level;
    words[(at + CMSGHDR.type) >> 2] = type;
    return at + CMSGHDR.BYTES;
  }
}

/** Distance from one control message to the next (CMSG_SPACE of <sys/socket.h>). */
export function controlSpace(dataLength: number): number {
  return CMSGHDR.BYTES + ((dataLength + 7) & ~7);
}
