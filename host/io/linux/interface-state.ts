/**
 * Follows the tunnel's own interface: up or down, its MTU, its end; and notices when addresses or routes of the machine
 * change. News come by rtnetlink. Once the interface has been moved to another network namespace that stays silent,
 * so the device itself is also asked from time to time: a TUN device can be written to exactly while it is up.
 */
import type { Libc } from "../../ffi/libc.ts";
import { NetworkMonitor } from "./netlink.ts";
import type { LinuxTun } from "./tun.ts";

export interface InterfaceHandler {
  up(up: boolean): void;
  mtu(bytes: number): void;
  /** Addresses, routes or links of the machine changed, and with them, perhaps, how peers are reached. */
  networkChanged(): void;
  gone(): void;
}

export class InterfaceState {
  readonly #tun: LinuxTun;
  readonly #handler: InterfaceHandler;
  readonly #monitor: NetworkMonitor;
  #up = false;
  #mtu = 0;

  constructor(libc: Libc, tun: LinuxTun, handler: InterfaceHandler) {
    this.#tun = tun;
    this.#handler = handler;
    this.#monitor = new NetworkMonitor(libc);
  }

  /** To wait on: readable when there is news. */
  get fd(): number {
    return this.#monitor.fd;
  }

  /** Read the news. */
  read(): void {
    let any = false;
    let link = false;
    this.#monitor.read((event) => {
      any = true;
      if (event.kind === "link" || event.kind === "overflow") link = true;
    });
    if (link) this.probe();
    // A link that goes down takes its IPv4 routes along without a word of them.
    if (any) this.#handler.networkChanged();
  }

  /** Ask the device itself. */
  probe(): void {
    const state = this.#tun.state();
    if (state === "gone") return this.#handler.gone();
    this.#readMtu();
    const up = state === "up";
    if (up === this.#up) return;
    this.#up = up;
    this.#handler.up(up);
  }

  /** In another namespace it cannot be read: the last one known stays. */
  #readMtu(): void {
    let mtu: number;
    try {
      mtu = this.#tun.mtu;
    } catch {
      return;
    }
    if (mtu === this.#mtu) return;
    this.#mtu = mtu;
    this.#handler.mtu(mtu);
  }

  close(): void {
    this.#monitor.close();
  }
}
