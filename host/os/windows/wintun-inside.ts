/** A wintun interface as the inside of a lane: each packet is copied once between its ring and linear memory. */
import { VNET_BYTES } from "../../core/codes.ts";
import type { Address, Core, MemoryViews } from "../../core/core.ts";
import {
  gatherAt,
  gatherLength,
  gatherOffset,
  writeCount,
  writeGather,
  writeLength,
} from "../../core/records/write.ts";
import { ERROR } from "../../ffi/windows/constants.ts";
import type { Inside } from "../../lane/ports.ts";
import type { Wintun } from "./wintun.ts";

/** wintun.h: the adapter is being removed; the ring is corrupt. Any other error may be one that the runtime left behind, with nothing wrong. */
const ENDED: ReadonlySet<number> = new Set([ERROR.ERROR_HANDLE_EOF, ERROR.ERROR_INVALID_DATA]);

export interface WintunInsideOptions {
  readonly core: Core;
  readonly device: Wintun;
  /** Machine address of linear memory. */
  readonly base: bigint;
  /** Four bytes that nobody else uses. */
  readonly lengthAt: Address;
  /** No packet waits any more. */
  drained(): void;
  /** The interface is gone, or its ring is of no use. */
  gone(): void;
}

export class WintunInside implements Inside {
  readonly #options: WintunInsideOptions;
  readonly #device: Wintun;
  readonly #views: MemoryViews;
  /** What entries of gather lists count from, modulo 2^32. */
  readonly #base: number;
  #written = 0;

  constructor(options: WintunInsideOptions) {
    this.#options = options;
    this.#device = options.device;
    this.#views = options.core.views;
    this.#base = Number(BigInt.asUintN(32, options.base));
  }

  /** Batches written so far. */
  get written(): number {
    return this.#written;
  }

  read(at: Address): number {
    const length = this.#device.receive(at + VNET_BYTES, this.#options.lengthAt);
    if (length > 0) return length + VNET_BYTES;
    this.#options.drained();
    if (ENDED.has(-length)) this.#options.gone();
    return 0;
  }

  write(count: number): void {
    this.#written += 1;
    for (let i = 0; i < count; i++) this.#writeOne(this.#options.core.write(i));
  }

  #writeOne(record: Address): void {
    const packet = this.#device.allocate(writeLength(this.#views, record));
    // The ring is full, and the packet is lost, as at any interface; or the interface is gone, which the next read tells.
    if (packet === 0n) return;
    const entries = writeCount(this.#views, record);
    const first = writeGather(this.#views, record);
    for (let i = 0, filled = 0; i < entries; i++) {
      const entry = gatherAt(first, i);
      const length = gatherLength(this.#views, entry);
      this.#device.fill(packet, filled, gatherOffset(this.#views, entry, this.#base), length);
      filled += length;
    }
    this.#device.commit(packet);
  }

  inject(at: Address, length: number): void {
    const packet = this.#device.allocate(length - VNET_BYTES);
    if (packet === 0n) return;
    this.#device.fill(packet, 0, at + VNET_BYTES, length - VNET_BYTES);
    this.#device.commit(packet);
  }
}
