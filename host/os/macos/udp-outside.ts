/** The UDP sockets as the outside of a lane. They may be replaced meanwhile; the DarwinUdp stays. */
import type { Address, Core } from "../../core/core.ts";
import type { Outside } from "../../lane/ports.ts";
import type { DarwinUdp } from "./udp.ts";

export class UdpOutside implements Outside {
  readonly #udp: DarwinUdp;
  readonly #rx: Address;
  readonly #tx: Address;

  constructor(core: Core, udp: DarwinUdp) {
    this.#udp = udp;
    this.#rx = core.at.rxDescriptors;
    this.#tx = core.at.txDescriptors;
  }

  /** The kernel's buffer is what there is; what it does not take is dropped and counted. */
  readonly hasRoom = true;

  receive(family: 4 | 6, most: number): number {
    return this.#udp.receive(family, this.#rx, most);
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
