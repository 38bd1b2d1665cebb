/** A socket of the kernel-control domain, which becomes a utun device once it is connected. */
import { SOCKET } from "../../../host/ffi/darwin/constants.ts";
import { Descriptor, Messages } from "./descriptor.ts";
import { Failure, insist } from "./errno.ts";
import type { Interface, Mac } from "./mac.ts";

export const UTUN_ID = 3;
const FAMILY_BYTES = 4;

export class UtunSocket extends Descriptor {
  /** Packets that the Mac sends into it, families in front. */
  readonly #queue = new Messages();
  /** Packets that came out of it, without the family. */
  readonly received: Uint8Array[] = [];
  readonly #mac: Mac;
  #device: Interface | undefined;

  constructor(mac: Mac) {
    super();
    this.#mac = mac;
  }

  connect(unit: number): void {
    if (this.#device !== undefined) throw new Failure("EISCONN");
    if (this.#mac.user !== "root") throw new Failure("EPERM");
    this.#device = this.#mac.makeUtun(unit, this);
  }

  get device(): Interface {
    if (this.#device === undefined) throw new Failure("ENOTCONN");
    return this.#device;
  }

  override get waiting(): number {
    return this.#queue.length;
  }

  /** As the Mac's own stack sends a packet into an interface that is up. */
  send(packet: Uint8Array): void {
    if (!this.device.up) return;
    const framed = new Uint8Array(FAMILY_BYTES + packet.length);
    framed[FAMILY_BYTES - 1] = packet[0]! >> 4 === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
    framed.set(packet, FAMILY_BYTES);
    this.#queue.push(framed);
  }

  override read(capacity: number): Uint8Array {
    this.#mac.byName(this.device.name);
    return this.#queue.take().subarray(0, capacity);
  }

  override write(bytes: Uint8Array): number {
    const { up } = this.#mac.byName(this.device.name);
    const family = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, false);
    const version = bytes[FAMILY_BYTES]! >> 4;
    insist(family === (version === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6), "family in front of the packet");
    if (up) this.received.push(bytes.slice(FAMILY_BYTES));
    return bytes.length;
  }

  override close(): void {
    if (this.#device !== undefined) this.#mac.removeInterface(this.#device);
  }
}
