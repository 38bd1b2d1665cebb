/**
 * The loop's ends on Linux: a TUN device and UDP sockets in one poll(2), and behind one epoll what is rarer: news of links and routes, the
 * UAPI socket and its clients, other threads, and what ends the daemon.
 */
import { IO_CONTROL_BYTES, RX_SLOTS, TX_TRAINS } from "../../core/codes.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Peer } from "../../engine/peer.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Statistic } from "../../metrics/statistics.ts";
import type { Instant } from "../../time/instant.ts";
import { EndpointCheck } from "../endpoint-check.ts";
import { PLACE, type TunnelPorts, type TunnelRequest } from "../machine.ts";
import { TOKEN, TunnelControl } from "../tunnel-control.ts";
import { UdpOutside } from "../udp-outside.ts";
import type { UnixListener } from "../unix-socket.ts";
import { bootClock } from "./boot-clock.ts";
import { Epoll, epollBytes } from "./epoll.ts";
import type { DeletionWatch } from "./inotify.ts";
import { InterfaceState } from "./interface-state.ts";
import { PollSet, pollSetBytes } from "./poll-set.ts";
import { RandomSource } from "./random.ts";
import { RouteQuery } from "./route-query.ts";
import { SourceCheck } from "./source-check.ts";
import type { LinuxTun } from "./tun.ts";
import { TunInside } from "./tun-inside.ts";
import { TunnelUdp } from "./tunnel-udp.ts";
import { udpBytes } from "./udp.ts";
import { linuxZones } from "./zones.ts";

const PLACES = PLACE.others + 1;
const EVENTS = 32;

export interface LinuxTunnelOptions extends TunnelRequest {
  readonly libc: Libc;
  readonly tun: LinuxTun;
  readonly listener: UnixListener;
  readonly watch: DeletionWatch | undefined;
  /** See ControlRequest. */
  readonly leash?: number | undefined;
}

export class LinuxTunnel implements TunnelPorts {
  readonly base: bigint;
  readonly device: LinuxTun;
  readonly inside: TunInside;
  readonly outside: UdpOutside;
  readonly waiting: PollSet;
  readonly uptime: (() => number) | undefined;
  readonly yieldCore: () => void;
  readonly #options: LinuxTunnelOptions;
  readonly #random: RandomSource;
  readonly #epoll: Epoll;
  readonly #sockets: TunnelUdp;
  readonly #interface: InterfaceState;
  readonly #sourceCheck: SourceCheck;
  readonly #endpointCheck: EndpointCheck;
  readonly #control: TunnelControl;
  #engine: Engine | undefined;

  constructor(options: LinuxTunnelOptions) {
    const { core, libc, tun, companions, events, watch, leash, log } = options;
    this.#options = options;
    this.base = libc.base;
    this.device = tun;
    this.uptime = bootClock(libc);
    this.yieldCore = () => libc.schedYield();
    this.#random = new RandomSource(libc);
    const control = core.at.ioControl;
    const waiting = control + udpBytes(RX_SLOTS);
    const end = waiting + epollBytes(EVENTS) + pollSetBytes(PLACES);
    if (end > control + IO_CONTROL_BYTES) throw new RangeError("ioControl is too small");
    this.#epoll = new Epoll(libc, waiting, EVENTS);
    this.waiting = new PollSet(libc, waiting + epollBytes(EVENTS), PLACES);
    this.#sockets = new TunnelUdp({
      ...options,
      area: { control, buffer: core.at.rxBuffers, slots: RX_SLOTS, messages: TX_TRAINS },
      descriptors: core.at.rxDescriptors,
      opening: (sockets, mark) => companions?.openSockets(sockets, mark),
      opened: (v4, v6) => this.#watchSockets(v4, v6),
      closing: () => this.#unwatchSockets(),
      marked: (mark) => {
        this.#endpointCheck.news();
        companions?.setMark(mark);
      },
    });
    this.inside = new TunInside({
      core,
      libc,
      fd: tun.fd,
      vnetHeader: tun.vnetHeader,
      gone: () => events.ended("the interface was removed"),
      mergeRefused: (errno) => events.mergeRefused(errno),
    });
    this.outside = new UdpOutside(core, this.#sockets.udp);
    const mark = (): number => this.#sockets.mark;
    this.#sourceCheck = new SourceCheck({ core, libc, peers: () => this.#engine?.peers() ?? [], mark });
    this.#endpointCheck = new EndpointCheck({
      core,
      routes: new RouteQuery(libc),
      device: () => this.#interface.index,
      mark,
    });
    this.#interface = new InterfaceState(libc, tun, log, {
      cameUp: () => events.cameUp(),
      wentDown: () => events.wentDown(),
      mtu: (mtu) => events.mtu(mtu),
      networkChanged: () => {
        this.#sourceCheck.news();
        this.#endpointCheck.news();
      },
      gone: () => events.ended("the interface was removed"),
    });
    this.#control = new TunnelControl({
      ...options,
      sockets: this.#sockets,
      waits: this.#epoll,
      zones: linuxZones(libc),
      socketIsGone: () => watch?.isGone() ?? false,
    });
    this.waiting.set(PLACE.tun, tun.fd);
    this.waiting.set(PLACE.others, this.#epoll.fd);
    for (const fd of this.#interface.fds) this.#epoll.add(fd, TOKEN.network);
    if (watch !== undefined && watch.fd >= 0) this.#epoll.add(watch.fd, TOKEN.watch);
    if (leash !== undefined) this.#epoll.add(leash, TOKEN.leash);
    if (companions !== undefined) this.#epoll.add(companions.wakeFd, TOKEN.threads);
  }

  fillRandom(into: Uint8Array): void {
    this.#random.fill(into.byteOffset, into.length);
  }

  serve(engine: Engine, statistics: () => Iterable<Statistic>): void {
    this.#engine = engine;
    this.#control.serve(engine, statistics);
    this.#interface.probe();
  }

  #watchSockets(v4: number, v6: number): void {
    this.waiting.set(PLACE.udp4, v4);
    this.waiting.set(PLACE.udp6, v6);
    this.#options.events.portChanged(this.#sockets.port);
  }

  #unwatchSockets(): void {
    this.waiting.set(PLACE.udp4, -1);
    this.waiting.set(PLACE.udp6, -1);
    this.#options.companions?.closeSockets();
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
    const { watch } = this.#options;
    if (watch !== undefined && watch.fd < 0) this.#control.lookAfterSocket();
  }

  nextDeadline(): Instant {
    return Math.min(this.#sourceCheck.nextDeadline(), this.#control.nextDeadline());
  }

  advance(now: Instant): void {
    this.#sourceCheck.advance(now);
    this.#control.advance(now);
  }

  pathLearnt(peer: Peer): void {
    this.#sourceCheck.learnt(peer);
  }

  mayFollow(path: number): boolean {
    return this.#endpointCheck.mayFollow(path);
  }

  serveOthers(): void {
    const others = this.#epoll.wait(0);
    for (let i = 0; i < others; i++) this.#dispatch(this.#epoll.token(i), this.#epoll.events(i));
  }

  #dispatch(token: number, ready: number): void {
    if (token === TOKEN.network) this.#interface.read();
    else if (token === TOKEN.threads) this.#options.companions?.woken();
    else this.#control.dispatch(token, ready);
  }

  closing(): (() => void)[] {
    return [
      () => this.#control.close(),
      () => this.#sockets.stop(),
      () => this.#interface.close(),
      () => this.#sourceCheck.close(),
      () => this.#endpointCheck.close(),
      () => this.#epoll.close(),
      () => this.#random.close(),
    ];
  }
}
