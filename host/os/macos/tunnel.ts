/** The loop's ends on macOS: a utun device and UDP sockets in one kqueue with all that is rarer: the route socket, the UAPI socket, its clients. */
import { IO_CONTROL_BYTES } from "../../core/codes.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Peer } from "../../engine/peer.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import type { Statistic } from "../../metrics/statistics.ts";
import type { Instant } from "../../time/instant.ts";
import { Burst } from "../burst.ts";
import { EndpointCheck } from "../endpoint-check.ts";
import { PLACE, type TunnelPorts, type TunnelRequest } from "../machine.ts";
import { TOKEN, TunnelControl } from "../tunnel-control.ts";
import { TunnelSockets } from "../tunnel-sockets.ts";
import { UdpOutside } from "../udp-outside.ts";
import type { UnixListener } from "../unix-socket.ts";
import { InterfaceState } from "./interface-state.ts";
import { KQUEUE_BYTES, Kqueue } from "./kqueue.ts";
import { fillRandom } from "./random.ts";
import { RouteQuery } from "./route-socket.ts";
import type { SocketWatch } from "./socket-watch.ts";
import { DarwinUdp, UDP_BYTES } from "./udp.ts";
import { uptime } from "./uptime.ts";
import type { Utun } from "./utun.ts";
import { UTUN_INSIDE_BYTES, UtunInside } from "./utun-inside.ts";
import { darwinZones } from "./zones.ts";

export interface DarwinTunnelOptions extends TunnelRequest {
  readonly libc: DarwinLibc;
  readonly utun: Utun;
  readonly listener: UnixListener;
  readonly watch: SocketWatch;
  /** See ControlRequest. */
  readonly leash?: number | undefined;
}

export class DarwinTunnel implements TunnelPorts {
  readonly base: bigint;
  readonly device: Utun;
  readonly inside: UtunInside;
  readonly outside: UdpOutside;
  readonly waiting: Kqueue;
  readonly uptime: () => number;
  readonly yieldCore: () => void;
  readonly #options: DarwinTunnelOptions;
  readonly #sockets: TunnelSockets;
  readonly #interface: InterfaceState;
  readonly #endpointCheck: EndpointCheck;
  readonly #control: TunnelControl;
  /** Of changes of addresses and routes: each has all peers looked at. */
  readonly #changes = new Burst();
  #engine: Engine | undefined;

  constructor(options: DarwinTunnelOptions) {
    const { core, libc, utun, events, watch, leash, log } = options;
    this.#options = options;
    this.base = libc.base;
    this.device = utun;
    this.uptime = () => uptime(libc);
    this.yieldCore = () => libc.schedYield();
    const control = core.at.ioControl;
    const area = control + UDP_BYTES + KQUEUE_BYTES;
    if (area + UTUN_INSIDE_BYTES > control + IO_CONTROL_BYTES) throw new RangeError("ioControl is too small");
    this.waiting = new Kqueue(libc, control + UDP_BYTES);
    const udp = new DarwinUdp(core, libc, control);
    this.#sockets = new TunnelSockets({
      udp,
      descriptors: core.at.rxDescriptors,
      marksWanted: () => "macOS has no marks for packets",
      opened: (v4, v6) => this.#watchSockets(v4, v6),
      closing: () => this.#watchSockets(-1, -1),
      log,
    });
    this.inside = new UtunInside({ core, libc, fd: utun.fd, area, gone: () => this.#gone() });
    this.outside = new UdpOutside(core, udp);
    this.#interface = new InterfaceState(libc, utun, {
      cameUp: () => events.cameUp(),
      wentDown: () => events.wentDown(),
      mtu: (mtu) => events.mtu(mtu),
      networkChanged: () => {
        this.#endpointCheck.news();
        this.#changes.hear();
      },
      gone: () => this.#gone(),
    });
    this.#endpointCheck = new EndpointCheck({
      core,
      routes: new RouteQuery(libc),
      device: () => this.#interface.index,
      mark: () => 0,
    });
    this.#control = new TunnelControl({
      ...options,
      sockets: this.#sockets,
      waits: this.waiting,
      zones: darwinZones(libc),
      socketIsGone: () => watch.isGone(),
    });
    this.waiting.set(PLACE.tun, utun.fd);
    this.waiting.add(this.#interface.fd, TOKEN.network);
    this.waiting.watchFolder(watch.fd, TOKEN.watch);
    if (leash !== undefined) this.waiting.add(leash, TOKEN.leash);
  }

  #gone(): void {
    this.#options.events.ended("the interface was removed");
  }

  fillRandom(into: Uint8Array): void {
    fillRandom(this.#options.libc, into.byteOffset, into.length);
  }

  serve(engine: Engine, statistics: () => Iterable<Statistic>): void {
    this.#engine = engine;
    this.#control.serve(engine, statistics);
    this.#interface.probe();
  }

  #watchSockets(v4: number, v6: number): void {
    this.waiting.set(PLACE.udp4, v4);
    this.waiting.set(PLACE.udp6, v6);
    if (v4 >= 0 || v6 >= 0) this.#options.events.portChanged(this.#sockets.port);
  }

  startSockets(): boolean {
    return this.#sockets.start();
  }

  stopSockets(): void {
    this.#sockets.stop();
  }

  probe(): void {
    this.#interface.probe();
  }

  heartbeat(now: Instant): void {
    this.#interface.probe();
    this.#sockets.dropStale(now);
    this.#control.lookAfterSocket();
  }

  nextDeadline(): Instant {
    return Math.min(this.#changes.nextDeadline(), this.#control.nextDeadline());
  }

  advance(now: Instant): void {
    // Sources may be no addresses of this machine any more, or no good ones: the system chooses anew.
    if (this.#changes.isDue(now)) this.#engine?.clearSources();
    this.#control.advance(now);
  }

  /** A source is an address alone here, and where packets leave is for the routes to say (udp-send.ts). */
  pathLearnt(_peer: Peer): void {}

  mayFollow(path: number): boolean {
    return this.#endpointCheck.mayFollow(path);
  }

  serveOthers(): void {
    this.waiting.visitOthers((token, ready) => {
      if (token === TOKEN.network) this.#interface.read();
      else this.#control.dispatch(token, ready);
    });
  }

  closing(): (() => void)[] {
    return [
      () => this.#control.close(),
      () => this.#sockets.stop(),
      () => this.#interface.close(),
      () => this.#endpointCheck.close(),
      () => this.waiting.close(),
    ];
  }
}
