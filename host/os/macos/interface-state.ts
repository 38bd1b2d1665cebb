/** Follows the tunnel's own interface: up or down, its MTU, its end; and notices when addresses or routes of the machine change. */
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import type { InterfaceHandler } from "../interface-handler.ts";
import { openRouteSocket, readRouteNews } from "./route-socket.ts";
import type { Utun } from "./utun.ts";

export class InterfaceState {
  /** To wait on: readable when there is news. */
  readonly fd: number;
  readonly #libc: DarwinLibc;
  readonly #utun: Utun;
  readonly #handler: InterfaceHandler;
  #up = false;
  #mtu = 0;
  #index = 0;

  /** @throws SystemError */
  constructor(libc: DarwinLibc, utun: Utun, handler: InterfaceHandler) {
    this.#libc = libc;
    this.#utun = utun;
    this.#handler = handler;
    this.fd = openRouteSocket(libc);
  }

  /** Of the interface. */
  get index(): number {
    return this.#index;
  }

  /** Read the news. */
  read(): void {
    const { link, network } = readRouteNews(this.#libc, this.fd);
    if (link) this.probe();
    if (link || network) this.#handler.networkChanged();
  }

  /** Ask the interface itself. */
  probe(): void {
    this.#index = this.#utun.index;
    if (this.#index === 0) return this.#handler.gone();
    const state = this.#ask();
    if (state === undefined) return;
    const { mtu, up } = state;
    if (mtu !== this.#mtu) this.#handler.mtu(mtu);
    this.#mtu = mtu;
    if (up === this.#up) return;
    this.#up = up;
    if (up) this.#handler.cameUp();
    else this.#handler.wentDown();
  }

  /** @returns undefined where it has gone between two calls: the next probe tells */
  #ask(): { mtu: number; up: boolean } | undefined {
    try {
      const { mtu, up } = this.#utun;
      return { mtu, up };
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}
