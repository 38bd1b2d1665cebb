/**
 * The fast driver's UDP: what the daemon has (host/os/linux), at the end of a lane that the runtime's own event loop drives. Datagrams
 * pass between linear memory and the system in trains, and JavaScript sees none of them.
 */
import { RX_SLOTS, TX_TRAINS } from "../core/codes.ts";
import type { Core } from "../core/core.ts";
import { PortInUseError } from "../errors.ts";
import type { BindEvents } from "../event/bind.ts";
import { BindError } from "../event/device-errors.ts";
import type { DirectBind } from "../event/direct-bind.ts";
import { Liveness } from "../event/liveness.ts";
import { socketDrops } from "../event/socket-drops.ts";
import { openLibc } from "../ffi/libc.ts";
import { LinuxUdp } from "../os/linux/udp.ts";
import { UdpOutside } from "../os/udp-outside.ts";
import { mayAskRelease } from "../platform.ts";
import { DirectOutside } from "./direct-outside.ts";
import { type SharedDoorbell, sharedDoorbell } from "./doorbell.ts";

export class UdpBind implements DirectBind {
  readonly outside: DirectOutside;
  readonly #udp: LinuxUdp;
  readonly #doorbell: SharedDoorbell;
  /** Undefined while it is closed. */
  #events: BindEvents | undefined;
  #liveness: Liveness | undefined;
  #refs: "ref" | "unref" = "ref";
  /** Of sockets that are closed. */
  #pastDrops = 0n;

  private constructor(core: Core, udp: LinuxUdp, doorbell: SharedDoorbell) {
    this.#udp = udp;
    this.#doorbell = doorbell;
    this.outside = new DirectOutside(core, udp.sender, new UdpOutside(core, udp), () => this.#events);
  }

  /** No socket is opened yet. @throws PlatformError, FfiUnavailableError, FfiThreadError */
  static async make(core: Core): Promise<UdpBind> {
    const { ioControl: control, rxBuffers: buffer } = core.at;
    const doorbell = await sharedDoorbell();
    const libc = await openLibc(core.memory);
    const area = { control, buffer, slots: RX_SLOTS, messages: TX_TRAINS };
    return new UdpBind(core, new LinuxUdp(libc, area, { coalescing: mayAskRelease() }), doorbell);
  }

  open(port: number, events: BindEvents): number {
    this.close();
    this.#replace(port);
    this.#events = events;
    this.#liveness = new Liveness(this.#refs);
    return this.#udp.port;
  }

  move(port: number): number {
    if (this.#events === undefined) throw new BindError(port, undefined);
    if (port === 0 || port !== this.#udp.port) this.#replace(port);
    return this.#udp.port;
  }

  /** Those that are open go when the new ones are there and watched. @throws PortInUseError, BindError */
  #replace(port: number): void {
    try {
      const fresh = this.#udp.bind(port);
      try {
        this.#watch(fresh);
      } catch (error) {
        this.#unwatch(fresh);
        this.#udp.discard(fresh);
        throw error;
      }
      this.#unwatch(this.#udp.sockets);
      this.#pastDrops = this.drops;
      this.#udp.replace(fresh);
    } catch (error) {
      throw error instanceof PortInUseError ? error : new BindError(port, error);
    }
  }

  #watch({ v4, v6 }: { v4: number; v6: number }): void {
    if (v4 >= 0) this.#doorbell.watch(v4, () => this.#events?.readable?.(4));
    if (v6 >= 0) this.#doorbell.watch(v6, () => this.#events?.readable?.(6));
  }

  #unwatch({ v4, v6 }: { v4: number; v6: number }): void {
    for (const fd of [v4, v6]) if (fd >= 0) this.#doorbell.unwatch(fd);
  }

  /** Both sockets are for any address. */
  get drops(): bigint {
    const { port, sockets } = this.#udp;
    const v4 = sockets.v4 < 0 ? 0n : socketDrops(4, "0.0.0.0", port);
    const v6 = sockets.v6 < 0 ? 0n : socketDrops(6, "::", port);
    return this.#pastDrops + v4 + v6;
  }

  ref(): void {
    this.#refs = "ref";
    this.#liveness?.keep("ref");
  }

  unref(): void {
    this.#refs = "unref";
    this.#liveness?.keep("unref");
  }

  close(): void {
    const events = this.#events;
    this.#events = undefined;
    this.#liveness?.end();
    this.#liveness = undefined;
    this.#unwatch(this.#udp.sockets);
    this.#udp.close();
    if (this.outside.hasRoom) return;
    this.outside.hasRoom = true;
    events?.drained?.();
  }
}
