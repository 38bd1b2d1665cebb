/** The stack as the inside of a device, with somebody looking on: for captures. */
import { StackTun, type StackTunOptions } from "../library/stack-tun.ts";
import { VNET_BYTES } from "../net/vnet.ts";
import type { PacketTap } from "./network-options.ts";

export class TappedTun extends StackTun {
  readonly #tap: PacketTap;

  constructor(options: StackTunOptions, tap: PacketTap) {
    super(options);
    this.#tap = tap;
  }

  override write(packet: Uint8Array): boolean {
    this.#tap(packet.subarray(VNET_BYTES));
    return super.write(packet);
  }

  override commit(at: number, length: number): void {
    this.#tap(this.bytes.subarray(at + VNET_BYTES, at + length));
    super.commit(at, length);
  }
}
