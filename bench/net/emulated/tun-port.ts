/** A TUN device of single packets, through FFI: packets come as arrays of their own, and go out at once. */
import { check, type Libc } from "../../../host/ffi/libc.ts";
import { type LinuxTun, openTun } from "../../../host/os/linux/tun.ts";

const AT = 1 << 16;
const PACKET_BYTES_MAX = 1 << 16;

export class TunPort {
  readonly tun: LinuxTun;
  readonly #libc: Libc;
  readonly #bytes: Uint8Array;

  constructor(libc: Libc, name: string, mtu: number) {
    this.#libc = libc;
    this.#bytes = new Uint8Array(libc.memory.buffer);
    this.tun = openTun(libc, name, { vnetHeader: false, mtu });
  }

  /** @returns undefined when nothing waits */
  read(): Uint8Array | undefined {
    const length = this.#libc.read(this.tun.fd, AT, PACKET_BYTES_MAX);
    return length > 0 ? this.#bytes.slice(AT, AT + length) : undefined;
  }

  write(packet: Uint8Array): void {
    this.#bytes.set(packet, AT);
    check("write to TUN", this.#libc.write(this.tun.fd, AT, packet.length));
  }
}
