/** A `struct msghdr` in linear memory, with a vector, a socket address and room for control messages. Its pointers are written once. */
import { type MemoryViews, viewsOf } from "../../core/records/memory.ts";
import { CMSGHDR, IOVEC, MSGHDR } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";

const NAME_BYTES = 32; // sockaddr_in6, rounded up
const CONTROL_BYTES = 96; // packet information and a traffic class, and some to spare
/** Linear memory that a Message needs. */
export const MESSAGE_BYTES = MSGHDR.BYTES + IOVEC.BYTES + NAME_BYTES + CONTROL_BYTES;

/** Distance from one control message to the next (CMSG_SPACE of <sys/socket.h>): 4-byte aligned. */
export function controlSpace(dataLength: number): number {
  return CMSGHDR.BYTES + ((dataLength + 3) & ~3);
}

export class Message {
  /** As sendmsg and recvmsg take it. */
  readonly at: number;
  /** Offset of its socket address. */
  readonly name: number;
  /** Offset of its control messages. */
  readonly control: number;
  readonly views: MemoryViews;
  readonly #vector: number;
  readonly #base: bigint;
  readonly #view: DataView;

  /** @param area 8-byte aligned offset of MESSAGE_BYTES that nobody else uses */
  constructor(libc: DarwinLibc, area: number) {
    this.views = viewsOf(libc.memory);
    this.at = area;
    this.#vector = area + MSGHDR.BYTES;
    this.name = this.#vector + IOVEC.BYTES;
    this.control = this.name + NAME_BYTES;
    this.#base = libc.base;
    this.#view = new DataView(libc.memory.buffer);
    this.views.bytes.fill(0, area, area + MESSAGE_BYTES);
    this.#point(area + MSGHDR.name, this.name);
    this.#point(area + MSGHDR.iov, this.#vector);
    this.#view.setUint32(area + MSGHDR.iovLength, 1, true);
    this.#point(area + MSGHDR.control, this.control);
  }

  /** Store the machine address of an offset. */
  #point(field: number, offset: number): void {
    this.#view.setBigUint64(field, this.#base + BigInt(offset), true);
  }

  /** Which bytes it sends, or where it is received. */
  setBytes(offset: number, length: number): void {
    this.#point(this.#vector + IOVEC.base, offset);
    this.views.words[(this.#vector + IOVEC.length) >> 2] = length;
  }

  /** For sending: how much of both areas is filled. The system wants no control messages of length 0 where none are. */
  setLengths(nameLength: number, controlLength: number): void {
    const { words } = this.views;
    words[(this.at + MSGHDR.nameLength) >> 2] = nameLength;
    words[(this.at + MSGHDR.controlLength) >> 2] = controlLength;
    this.#view.setBigUint64(
      this.at + MSGHDR.control,
      controlLength === 0 ? 0n : this.#base + BigInt(this.control),
      true,
    );
  }

  /** For receiving: offer the whole of both areas; the kernel shortens the lengths. */
  offer(): void {
    this.setLengths(NAME_BYTES, CONTROL_BYTES);
  }

  get flags(): number {
    return this.views.words[(this.at + MSGHDR.flags) >> 2]!;
  }

  get controlLength(): number {
    return Math.min(this.views.words[(this.at + MSGHDR.controlLength) >> 2]!, CONTROL_BYTES);
  }

  /** Begin the only control message. @returns where its data go */
  beginControl(level: number, type: number, dataLength: number): number {
    const { words } = this.views;
    words[(this.control + CMSGHDR.length) >> 2] = CMSGHDR.BYTES + dataLength;
    words[(this.control + CMSGHDR.level) >> 2] = level;
    words[(this.control + CMSGHDR.type) >> 2] = type;
    return this.control + CMSGHDR.BYTES;
  }
}
