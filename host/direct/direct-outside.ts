/**
 * UDP sockets as the outside of a lane whose inside is a program. Where a peer was heard is known by address alone, as in the kernel: nobody
 * here follows the system's routes, and a packet forced out of the interface it once came in by might go nowhere. And a full socket
 * buffer makes the inside wait.
 */
import type { Core } from "../core/core.ts";
import { setPathInterface } from "../core/records/path.ts";
import { rxPath } from "../core/records/rx.ts";
import type { BindEvents } from "../event/bind.ts";
import { EAGAIN } from "../ffi/errno.ts";
import type { Outside } from "../lane/ports.ts";
import type { UdpSender } from "../os/linux/udp-send.ts";
import type { UdpOutside } from "../os/udp-outside.ts";

/** A socket buffer that everybody may have, 200 KiB, is on its way in that time at a gigabit per second. */
const FULL_MS = 2;

export class DirectOutside implements Outside {
  hasRoom = true;
  readonly #core: Core;
  readonly #sender: UdpSender;
  readonly #udp: UdpOutside;
  readonly #events: () => BindEvents | undefined;

  /** @param events undefined while no socket is open */
  constructor(core: Core, sender: UdpSender, udp: UdpOutside, events: () => BindEvents | undefined) {
    this.#core = core;
    this.#sender = sender;
    this.#udp = udp;
    this.#events = events;
  }

  receive(family: 4 | 6, most: number): number {
    const count = this.#udp.receive(family, most);
    for (let i = 0; i < count; i++) setPathInterface(this.#core.views, rxPath(this.#core.rx(i)), 0);
    return count;
  }

  send(count: number): number {
    const incidents = this.#udp.send(count);
    if (incidents !== 0 && this.#sender.errors.subarray(0, count).includes(EAGAIN)) this.#full();
    return incidents;
  }

  refused(index: number): boolean {
    return this.#udp.refused(index);
  }

  lostSource(index: number): boolean {
    return this.#udp.lostSource(index);
  }

  #full(): void {
    if (!this.hasRoom || this.#events() === undefined) return;
    this.hasRoom = false;
    // A packet of the inside may be half on its way, and who is told may be anybody's code.
    queueMicrotask(() => {
      if (!this.hasRoom) this.#events()?.full?.();
    });
    setTimeout(() => {
      this.hasRoom = true;
      this.#events()?.drained?.();
    }, FULL_MS);
  }
}
