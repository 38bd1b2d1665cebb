/** The UDP sockets of one thread as the outside of a lane. They may be replaced meanwhile; what is behind UdpPort stays. */
import type { Address, Core } from "../core/core.ts";
import type { Outside } from "../lane/ports.ts";

/** Sockets of both families, as a system of the Unix kind has them. */
export interface UdpPort {
  readonly sender: {
    /** Of each descriptor that was sent last: 0, or why it was not. */
    readonly errors: ArrayLike<number>;
    /** And 1 where it went without the source address that it should have had. */
    readonly sourceCleared: ArrayLike<number>;
  };
  /** @returns messages received, 0 when none waits, or −errno */
  receive(family: 4 | 6, descriptors: Address, most: number): number;
  /** @returns 0 when all went well; otherwise look at the sender */
  send(descriptors: Address, count: number): number;
}

export class UdpOutside implements Outside {
  readonly #udp: UdpPort;
  readonly #rx: Address;
  readonly #tx: Address;

  constructor(core: Core, udp: UdpPort) {
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
