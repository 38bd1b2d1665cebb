/** The UDP sockets of one thread as the outside of a lane. They may be replaced meanwhile; the LinuxUdp stays. */
import type { Address, Core } from "../../core/core.ts";
import type { Outside } from "../../lane/ports.ts";
import type { LinuxUdp } from "./udp.ts";

export class UdpOutside implements Outside {
  readonly #udp: LinuxUdp;
  readonly #rx: Address;
  readonly #tx: Address;

  constructor(core: Core, udp: LinuxUdp) {
    this.#udp = udp;
    this.#rx = core.at.rxDescriptors;
    this.#tx = core.at.txDescriptors;
  }

  /** The kernel's buffer is what there is; what it does not take is dropped and counted. */
  readonly hasRoom = true;

  receive(family: 4 | 6, most: number): number {
    return this.#udp.receive(family, this.#rx, 0, most);
  }

  send(count: number): number {
    return this.#udp.send(this.#tx, count);
  }

  refused(index: number): boolean {
    return this.#udp.sender.errors[index] !== 0;
  }

  lostSource(index: number): boolean {
    return this.#udp.sender.sourceCleared[index] === 1;
  }
}
