/**
 * A queue of the TUN device as the inside of a lane: one read(2) for each packet or superpacket, one writev(2) for each
 * gather list of the core.
 */
import { MESSAGE_BYTES_MAX, VNET_BYTES } from "../../core/codes.ts";
import type { Address, Core, MemoryViews } from "../../core/core.ts";
import { writeAt, writeCount, writeGather } from "../../core/records/write.ts";
import { EINVAL, EMSGSIZE } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Inside } from "../../lane/ports.ts";
import { tunIsGone } from "./tun.ts";

/** What a device says that cannot take a superpacket after all. (EIO is what one says that is down.) */
const MERGE_ERRORS = new Set([EINVAL, EMSGSIZE]);

export interface TunInsideOptions {
  readonly core: Core;
  readonly libc: Libc;
  /** Descriptor of the queue. */
  readonly fd: number;
  /** Whether its reads and writes start with a vnet header. */
  readonly vnetHeader: boolean;
  /** The interface was removed. */
  gone(): void;
  /** The device refused a superpacket, which is lost, as on any network. @param errno positive */
  mergeRefused(errno: number): void;
}

export class TunInside implements Inside {
  readonly #options: TunInsideOptions;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #views: MemoryViews;
  readonly #writes: Address;
  /** Without vnet headers one of zeros stands in front of every packet, so that the core sees one format. */
  readonly #header: number;
  #written = 0;

  constructor(options: TunInsideOptions) {
    const { core, libc, fd, vnetHeader } = options;
    this.#options = options;
    this.#libc = libc;
    this.#fd = fd;
    this.#views = core.views;
    this.#writes = core.at.writes;
    this.#header = vnetHeader ? 0 : VNET_BYTES;
  }

  /** Batches written so far. */
  get written(): number {
    return this.#written;
  }

  read(at: Address): number {
    const length = this.#libc.read(this.#fd, at + this.#header, MESSAGE_BYTES_MAX);
    if (length > 0) return length + this.#header;
    if (tunIsGone(length)) this.#options.gone();
    return length;
  }

  write(count: number): void {
    this.#written += 1;
    for (let i = 0; i < count; i++) {
      const record = writeAt(this.#writes, i);
      const entries = writeCount(this.#views, record);
      const written = this.#libc.writev(this.#fd, writeGather(this.#views, record), entries);
      if (written < 0 && entries > 1 && MERGE_ERRORS.has(-written)) this.#options.mergeRefused(-written);
    }
  }

  inject(at: Address, length: number): void {
    this.#libc.write(this.#fd, at + this.#header, length - this.#header);
  }
}
