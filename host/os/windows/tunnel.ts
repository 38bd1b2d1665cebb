/** The loop's ends on Windows: a wintun interface, UDP sockets and the control pipe, in one wait for events. */
import { NUMERIC_ZONES } from "../../address/endpoint-text.ts";
import type { Engine } from "../../engine/engine.ts";
import { BCRYPT_USE_SYSTEM_PREFERRED_RNG } from "../../ffi/windows/constants.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import type { Statistic } from "../../metrics/statistics.ts";
import { type Instant, NEVER } from "../../time/instant.ts";
import { PLACE, type TunnelPorts, type TunnelRequest } from "../machine.ts";
import { DEFAULT_MTU } from "../mtu.ts";
import { TunnelSockets } from "../tunnel-sockets.ts";
import { Areas } from "./areas.ts";
import { NetworkWatch } from "./network-watch.ts";
import { OuterWay } from "./outer-way.ts";
import { PipeServer } from "./pipe-server.ts";
import { Udp } from "./udp.ts";
import { UdpOutside } from "./udp-outside.ts";
import { WaitSet } from "./wait-set.ts";
import type { Wintun } from "./wintun.ts";
import { WintunInside } from "./wintun-inside.ts";

export interface WindowsTunnelOptions extends TunnelRequest {
  readonly win: Win32;
  readonly device: Wintun;
  /** Instances of the control pipe. */
  readonly pipes: readonly number[];
}

const NO_MARKS = "Windows has no marks for packets: only 0 can be set";

export class WindowsTunnel implements TunnelPorts {
  readonly base: bigint;
  readonly device: Wintun;
  readonly inside: WintunInside;
  readonly outside: UdpOutside;
  readonly waiting: WaitSet;
  readonly uptime: () => number;
  readonly yieldCore: () => void;
  readonly #options: WindowsTunnelOptions;
  readonly #areas: Areas;
  readonly #sockets: TunnelSockets;
  #server: PipeServer | undefined;
  readonly #udp: Udp;
  #watch: NetworkWatch | undefined;
  #way: OuterWay | undefined;

  constructor(options: WindowsTunnelOptions) {
    const { core, win, device, events } = options;
    this.#options = options;
    this.base = win.base;
    this.device = device;
    this.uptime = () => Number(win.kernel.GetTickCount64());
    this.yieldCore = () => void win.kernel.SwitchToThread();
    this.#areas = new Areas(core);
    this.waiting = new WaitSet(win, this.#areas);
    const drained = (family: 4 | 6): void => this.waiting.drained(family === 4 ? PLACE.udp4 : PLACE.udp6);
    const udp = new Udp({ ...options.udp, core, win, areas: this.#areas, drained, log: options.log });
    this.#udp = udp;
    this.outside = new UdpOutside({ core, win, udp, areas: this.#areas, log: options.log });
    this.#sockets = new TunnelSockets({
      udp,
      descriptors: core.at.rxDescriptors,
      marksWanted: () => NO_MARKS,
      opened: () => this.#opened(),
      closing: () => {},
      log: options.log,
    });
    this.inside = new WintunInside({
      core,
      device,
      base: win.base,
      lengthAt: this.#areas.take(4),
      drained: () => this.waiting.drained(PLACE.tun),
      gone: () => events.ended("the interface was removed"),
    });
    this.waiting.add(device.readable, PLACE.tun);
    this.waiting.add(udp.readable.v4, PLACE.udp4);
    this.waiting.add(udp.readable.v6, PLACE.udp6);
  }

  #opened(): void {
    // What came before somebody waited has spent its event.
    this.waiting.mayHave(PLACE.udp4);
    this.waiting.mayHave(PLACE.udp6);
    // They may have refused the way that those before took.
    this.#way?.look();
    this.#options.events.portChanged(this.#sockets.port);
  }

  fillRandom(into: Uint8Array): void {
    const flags = BCRYPT_USE_SYSTEM_PREFERRED_RNG;
    const status = this.#options.win.random.BCryptGenRandom(0, into.byteOffset, into.length, flags);
    if (status !== 0) throw new WindowsError("BCryptGenRandom", status >>> 0);
  }

  serve(engine: Engine, statistics: () => Iterable<Statistic>): void {
    const { events, pipes } = this.#options;
    this.#server = new PipeServer({
      ...this.#options,
      engine,
      sockets: this.#sockets,
      areas: this.#areas,
      waits: this.waiting,
      handles: pipes,
      zones: NUMERIC_ZONES,
      statistics,
      configuring: (connection) => {
        // Whoever adds a default route asks us something before it takes effect, so that ours never take it.
        if (connection === "new") this.#way?.look();
        events.configuring(connection);
      },
      // There are no signals, and the interface is ours alone to remove.
      stop: () => events.ended("asked to end by its control pipe"),
    });
    this.#watch = new NetworkWatch({
      ...this.#options,
      areas: this.#areas,
      waits: this.waiting,
      changed: () => {
        engine.clearSources();
        this.#way?.look();
      },
    });
    this.#way = new OuterWay({ ...this.#options, udp: this.#udp, changed: () => engine.clearSources() });
    this.#way.look();
    // Packets may have come since the interface was made.
    this.waiting.mayHave(PLACE.tun);
    events.mtu(DEFAULT_MTU);
    events.cameUp();
  }

  serveOthers(): void {
    this.waiting.serveOthers();
  }

  startSockets(): boolean {
    return this.#sockets.start();
  }

  stopSockets(): void {
    this.#sockets.stop();
  }

  /** A wintun interface is up for as long as it is there. */
  probe(): void {}

  heartbeat(now: Instant): void {
    this.#sockets.dropStale(now);
    // Should the end of the interface have been taken for an empty ring, nothing else would tell of it.
    this.waiting.mayHave(PLACE.tun);
    this.#way?.look();
  }

  nextDeadline(): Instant {
    return Math.min(this.#server?.nextDeadline() ?? NEVER, this.#watch?.nextDeadline() ?? NEVER);
  }

  advance(now: Instant): void {
    this.#server?.advance(now);
    this.#watch?.advance(now);
  }

  /** Sources are chosen anew whenever the network changes, and when Windows refuses one. */
  pathLearnt(): void {}

  mayFollow(path: number): boolean {
    return this.#way?.mayFollow(path) ?? true;
  }

  closing(): (() => void)[] {
    return [() => this.#server?.close(), () => this.#watch?.close(), () => this.#sockets.stop()];
  }
}
