/**
 * Whether packets for the TUN device are merged to superpackets. The device may refuse one (a kernel with other rules than ours):
 * from the next batch on packets go singly, for a while. One that it dislikes need not be like those after it.
 */
import type { Core } from "../core/core.ts";
import type { TunDevice } from "../os/machine.ts";
import { type Instant, NEVER } from "../time/instant.ts";

const SINGLY_MS = 10_000;

export class Merging {
  readonly #core: Core;
  readonly #tun: TunDevice;
  readonly #log: (text: string) => void;
  #refused = false;
  /** When packets may be merged again. */
  #resumeAt: Instant = NEVER;

  /** @param log is told of the first refusal */
  constructor(core: Core, tun: TunDevice, log: (text: string) => void) {
    this.#core = core;
    this.#tun = tun;
    this.#log = log;
    this.#set("on");
  }

  refusedBy(errno: number): void {
    this.#set("off");
    this.#resumeAt = performance.now() + SINGLY_MS;
    if (!this.#refused)
      this.#log(`the TUN device refused a superpacket (errno ${errno}): packets go singly for a while`);
    this.#refused = true;
  }

  /** Try again, when it is time. */
  advance(now: Instant): void {
    if (now < this.#resumeAt) return;
    this.#resumeAt = NEVER;
    this.#set("on");
  }

  #set(merging: "on" | "off"): void {
    const { vnetHeader, tcpOffload, udpOffload } = this.#tun;
    const on = merging === "on";
    this.#core.exports.setTun(Number(vnetHeader), Number(on && tcpOffload), Number(on && udpOffload));
  }
}
