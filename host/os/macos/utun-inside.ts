/**
 * A utun device as the inside of a lane: one read(2) or writev(2) for each packet. Its family goes where the core has the end of a vnet
 * header, which is zero here: utun knows of no superpackets.
 */
import { MESSAGE_BYTES_MAX, VNET_BYTES } from "../../core/codes.ts";
import type { Address, Core, MemoryViews } from "../../core/core.ts";
import { writeAt, writeCount, writeGather } from "../../core/records/write.ts";
import { SOCKET } from "../../ffi/darwin/constants.ts";
import { IOVEC } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { ENODEV, ENXIO } from "../../ffi/errno.ts";
import type { Inside } from "../../lane/ports.ts";
import { FAMILY_BYTES } from "./utun.ts";

/** Where the family is, in front of a packet with a vnet header. */
const FAMILY = VNET_BYTES - FAMILY_BYTES;

/** Linear memory that it needs: two vectors, and the family. */
export const UTUN_INSIDE_BYTES = 2 * IOVEC.BYTES + 8;

export interface UtunInsideOptions {
  readonly core: Core;
  readonly libc: DarwinLibc;
  readonly fd: number;
  /** 8-byte aligned offset of UTUN_INSIDE_BYTES that nobody else uses. */
  readonly area: number;
  /** The interface was removed. */
  gone(): void;
}

export class UtunInside implements Inside {
  readonly #options: UtunInsideOptions;
  readonly #libc: DarwinLibc;
  readonly #fd: number;
  readonly #views: MemoryViews;
  readonly #writes: Address;
  readonly #vectors: number;
  readonly #family: number;
  readonly #baseLow: number;
  #written = 0;

  constructor(options: UtunInsideOptions) {
    const { core, libc, fd, area } = options;
    this.#options = options;
    this.#libc = libc;
    this.#fd = fd;
    this.#views = core.views;
    this.#writes = core.at.writes;
    this.#vectors = area;
    this.#family = area + 2 * IOVEC.BYTES;
    this.#baseLow = Number(libc.base & 0xffffffffn);
    const view = new DataView(libc.memory.buffer);
    view.setBigUint64(area + IOVEC.base, libc.base + BigInt(this.#family), true);
    view.setBigUint64(area + IOVEC.length, BigInt(FAMILY_BYTES), true);
  }

  /** Batches written so far. */
  get written(): number {
    return this.#written;
  }

  read(at: Address): number {
    const length = this.#libc.read(this.#fd, at + FAMILY, MESSAGE_BYTES_MAX);
    if (length === -ENXIO || length === -ENODEV) this.#options.gone();
    if (length <= FAMILY_BYTES) return Math.min(length, 0);
    this.#views.bytes.fill(0, at, at + VNET_BYTES);
    return length + FAMILY;
  }

  write(count: number): void {
    this.#written += 1;
    for (let i = 0; i < count; i++) this.#writeOne(writeAt(this.#writes, i));
  }

  /** A packet is one piece, for nothing is merged without vnet headers. */
  #writeOne(record: Address): void {
    const { words, bytes } = this.#views;
    if (writeCount(this.#views, record) !== 1) return;
    const piece = writeGather(this.#views, record) >>> 2;
    const vector = (this.#vectors + IOVEC.BYTES) >>> 2;
    for (let word = 0; word < IOVEC.BYTES / 4; word++) words[vector + word] = words[piece + word]!;
    const packet = (words[piece + (IOVEC.base >>> 2)]! - this.#baseLow) >>> 0;
    this.#setFamily(this.#family, bytes[packet]!);
    this.#libc.writev(this.#fd, this.#vectors, 2);
  }

  inject(at: Address, length: number): void {
    this.#setFamily(at + FAMILY, this.#views.bytes[at + VNET_BYTES]!);
    this.#libc.write(this.#fd, at + FAMILY, length - FAMILY);
  }

  /** @param first the packet's first byte: version and more */
  #setFamily(at: Address, first: number): void {
    const { bytes } = this.#views;
    bytes.fill(0, at, at + FAMILY_BYTES);
    bytes[at + FAMILY_BYTES - 1] = first >>> 4 === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
  }
}
