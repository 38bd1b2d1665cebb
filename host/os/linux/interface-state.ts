/**
 * Follows the tunnel's own interface: up or down, its MTU, its end; and notices when addresses or routes of the machine
 * change. News come by rtnetlink, also from another network namespace that the interface is moved to. Where those cannot
 * be had, the device itself still tells when it is asked, from time to time: it can be written to exactly while it is up.
 */
import { errnoName } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { InterfaceHandler } from "../interface-handler.ts";
import type { Log } from "../machine.ts";
import { LinkFollower } from "./link-follower.ts";
import { NetworkMonitor } from "./netlink.ts";
import type { LinuxTun } from "./tun.ts";

const NO_NEWS =
  "no netlink: what changes at interfaces and routes is noticed late or not at all, and routes are not asked whether they lead into the tunnel";

export class InterfaceState {
  readonly #tun: LinuxTun;
  readonly #handler: InterfaceHandler;
  readonly #monitor: NetworkMonitor;
  readonly #follower: LinkFollower;
  #up = false;
  #mtu = 0;
  #index = 0;

  constructor(libc: Libc, tun: LinuxTun, log: Log, handler: InterfaceHandler) {
    this.#tun = tun;
    this.#handler = handler;
    this.#monitor = new NetworkMonitor(libc);
    if (this.#monitor.fd < 0) log("error", `${NO_NEWS} (${errnoName(-this.#monitor.fd)})`);
    this.#follower = new LinkFollower(libc);
  }

  /** Of the interface; 0 while it is in another namespace, or gone. */
  get index(): number {
    return this.#index;
  }

  /** To wait on: one is readable when there is news. */
  get fds(): number[] {
    return [this.#monitor.fd, this.#follower.fd].filter((fd) => fd >= 0);
  }

  /** Read the news. */
  read(): void {
    let any = false;
    let link = this.#follow();
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
    this.#follow();
    const state = this.#tun.state();
    if (state === "gone") return this.#handler.gone();
    this.#readMtu();
    const up = state === "up";
    if (up === this.#up) return;
    this.#up = up;
    if (up) this.#handler.cameUp();
    else this.#handler.wentDown();
  }

  /** Where it has been moved to comes before what it is like there. @returns whether it changed elsewhere */
  #follow(): boolean {
    let news = false;
    this.#follower.read((mtu) => {
      news = true;
      this.#setMtu(mtu);
    });
    return news;
  }

  /** Out of sight it cannot be read: the last one known stays. */
  #readMtu(): void {
    this.#index = 0;
    if (this.#follower.isAway) return;
    try {
      this.#index = this.#tun.index;
      this.#follower.seenAtHome(this.#index);
      this.#setMtu(this.#tun.mtu);
    } catch {
      // Between this call and the one before it may have gone.
    }
  }

  #setMtu(mtu: number): void {
    if (mtu === this.#mtu) return;
    this.#mtu = mtu;
    this.#handler.mtu(mtu);
  }

  close(): void {
    this.#monitor.close();
    this.#follower.close();
  }
}
