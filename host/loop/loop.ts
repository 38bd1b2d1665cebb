/**
 * The loop driver: one engine and its lane between TUN device and UDP sockets, and the UAPI socket, around one blocking `poll`.
 * It waits, and calls the lane; packets stay in linear memory from system call to system call. It runs on the thread that calls it and lets the
 * runtime's own event loop (signals, the log) have a turn after a signal and a few times a second.
 */
import { IO_CONTROL_BYTES, MESSAGE_BYTES_MAX, RX_SLOTS, TRAIN_DATAGRAMS_MAX, TX_TRAINS } from "../core/codes.ts";
import type { Core } from "../core/core.ts";
import { Engine } from "../engine/engine.ts";
import type { Peer } from "../engine/peer.ts";
import type { Libc } from "../ffi/libc.ts";
import { Lane } from "../lane/lane.ts";
import { deviceStatistics, type Statistic } from "../metrics/statistics.ts";
import { bootClock } from "../os/linux/boot-clock.ts";
import { EndpointCheck } from "../os/linux/endpoint-check.ts";
import { Epoll, epollBytes } from "../os/linux/epoll.ts";
import type { EventLog } from "../os/linux/event-log.ts";
import type { DeletionWatch } from "../os/linux/inotify.ts";
import { InterfaceState } from "../os/linux/interface-state.ts";
import { PollSet, pollSetBytes } from "../os/linux/poll-set.ts";
import { fillRandom } from "../os/linux/random.ts";
import { SourceCheck } from "../os/linux/source-check.ts";
import type { LinuxTun } from "../os/linux/tun.ts";
import { TunInside } from "../os/linux/tun-inside.ts";
import { TunnelSockets } from "../os/linux/tunnel-sockets.ts";
import { UapiServer } from "../os/linux/uapi-server.ts";
import { type UdpOptions, udpBytes } from "../os/linux/udp.ts";
import { UdpOutside } from "../os/linux/udp-outside.ts";
import type { UnixListener } from "../os/linux/unix-socket.ts";
import type { Instant } from "../time/instant.ts";
import { Merging } from "./merging.ts";
import { PacketWait } from "./packet-wait.ts";
import type { LetterSink, Workers } from "./threads/workers.ts";
import { turn } from "./turn.ts";

/** Receive slots, trains and the TUN read: what the packet path itself takes. */
const BUFFER_BYTES = (RX_SLOTS + TX_TRAINS + 1) * MESSAGE_BYTES_MAX;
/** Where packets come from, in the PollSet; and one place for all that waits in the Epoll. */
const PLACE = { tun: 0, udp4: 1, udp6: 2, others: 3 } as const;
const PLACES = 4;
const EVENTS = 32;
const TOKEN = { network: 1, watch: 2, uapi: 3, threads: 4, connection: 16 } as const;

/** Reads from TUN before others get their turn. */
const READS_PER_TURN = 64;
/** A wait shorter than this found something there already. */
const AT_ONCE_MS = 0.01;
/** The interface is looked at, and the runtime's event loop served, at least this often. */
const HEARTBEAT_MS = 1_000;
const TURN_MS = 100;

export interface LoopOptions {
  readonly core: Core;
  readonly libc: Libc;
  readonly tun: LinuxTun;
  readonly listener: UnixListener;
  readonly watch: DeletionWatch | undefined;
  readonly udp: UdpOptions;
  /** Microseconds to look for a packet after one, before sleeping. By default it looks when one is due. */
  readonly busyPoll?: number | undefined;
  /** Most bytes that packets may take: the buffers of the packet path, and packets that wait for a session. */
  readonly packetMemory?: number | undefined;
  /** Further threads on the core's memory; `core` is then theirs. */
  readonly workers?: Workers | undefined;
  /** Statistics beside the engine's own. */
  extraStatistics?(): Iterable<Statistic>;
  /** What happens in the protocol, for the log; nothing is told without it. */
  readonly eventLog?: EventLog | undefined;
  /** How long the runtime's event loop may be kept waiting. */
  readonly patienceMs?: number | undefined;
  peerCreated?(peer: Peer): void;
  log(level: "error" | "verbose", message: string): void;
}

export class Loop {
  readonly engine: Engine;
  readonly #lane: Lane;
  readonly #inside: TunInside;
  /** What becomes of what other threads tell. */
  readonly #letters: LetterSink;
  readonly #options: LoopOptions;
  readonly #poll: PollSet;
  readonly #wait: PacketWait;
  readonly #merging: Merging;
  readonly #epoll: Epoll;
  readonly #sockets: TunnelSockets;
  readonly #interface: InterfaceState;
  readonly #sourceCheck: SourceCheck;
  readonly #endpointCheck: EndpointCheck;
  readonly #uapi: UapiServer;
  #ended: string | undefined;
  #interfaceUp = false;
  /** By place: reads or messages taken in the last turn. */
  readonly #taken = new Uint8Array(PLACE.others);
  #probeAt: Instant = 0;
  /** The configuration changed: there may be something to compute ahead. */
  #unprepared = false;

  constructor(options: LoopOptions) {
    const { core, libc, tun } = options;
    this.#options = options;
    core.exports.setBase(libc.base);
    this.#merging = new Merging(core, tun, (text) => options.log("error", text));
    core.exports.setTrainLength(TRAIN_DATAGRAMS_MAX);
    const control = core.at.ioControl;
    const waiting = control + udpBytes(RX_SLOTS);
    const end = waiting + epollBytes(EVENTS) + pollSetBytes(PLACES);
    if (end > control + IO_CONTROL_BYTES) throw new RangeError("ioControl is too small");
    this.#epoll = new Epoll(libc, waiting, EVENTS);
    this.#poll = new PollSet(libc, waiting + epollBytes(EVENTS), PLACES);
    const area = { control, buffer: core.at.rxBuffers, slots: RX_SLOTS, messages: TX_TRAINS };
    this.#wait = new PacketWait(libc, this.#poll, PLACE.others, options.busyPoll, (now) => this.#mayWait(now));
    this.#sockets = new TunnelSockets({
      ...options,
      area,
      descriptors: core.at.rxDescriptors,
      opening: (sockets, mark) => options.workers?.openSockets(sockets, mark),
      opened: (v4, v6) => this.#watchSockets(v4, v6),
      closing: () => this.#unwatchSockets(),
      marked: (mark) => {
        this.#endpointCheck.news();
        options.workers?.setMark(mark);
      },
    });
    this.#inside = new TunInside({
      core,
      libc,
      fd: tun.fd,
      vnetHeader: tun.vnetHeader,
      gone: () => this.#end("the interface was removed"),
      mergeRefused: (errno) => this.#merging.refusedBy(errno),
    });
    this.#lane = new Lane(core, this.#inside, new UdpOutside(core, this.#sockets.udp));
    this.engine = new Engine({
      lane: this.#lane,
      events: {
        ...options.eventLog?.events,
        pathLearnt: (peer) => {
          this.#sourceCheck.learnt(peer);
          options.eventLog?.pathLearnt(peer);
        },
        peerCreated: (peer) => options.peerCreated?.(peer),
        mayFollow: (path) => this.#endpointCheck.mayFollow(path),
      },
      now: performance.now(),
      ...(options.packetMemory && { stagedBytes: options.packetMemory - BUFFER_BYTES }),
      uptime: bootClock(libc),
      random: (into) => fillRandom(libc, into.byteOffset, into.length),
      wallTime: () => {
        const now = Date.now();
        return { seconds: Math.floor(now / 1000), nanoseconds: (now % 1000) * 1_000_000 };
      },
    });
    this.#letters = {
      engine: this.engine,
      lane: this.#lane,
      mergeRefused: (errno) => this.#merging.refusedBy(errno),
    };
    this.#sourceCheck = new SourceCheck({
      core,
      libc,
      peers: () => this.engine.peers(),
      mark: () => this.#sockets.mark,
    });
    this.#endpointCheck = new EndpointCheck({
      core,
      libc,
      device: () => this.#interface.index,
      mark: () => this.#sockets.mark,
    });
    this.#interface = new InterfaceState(libc, tun, {
      cameUp: () => this.#cameUp(),
      wentDown: () => this.#wentDown(),
      mtu: (mtu) => core.exports.setMtu(mtu),
      networkChanged: () => {
        this.#sourceCheck.news();
        this.#endpointCheck.news();
      },
      gone: () => this.#end("the interface was removed"),
    });
    this.#uapi = new UapiServer({
      ...options,
      engine: this.engine,
      sockets: this.#sockets,
      epoll: this.#epoll,
      listenerToken: TOKEN.uapi,
      firstToken: TOKEN.connection,
      statistics: () => this.statistics(),
    });
    this.#poll.set(PLACE.tun, tun.fd);
    this.#poll.set(PLACE.others, this.#epoll.fd);
    for (const fd of this.#interface.fds) this.#epoll.add(fd, TOKEN.network);
    if (options.watch !== undefined) this.#epoll.add(options.watch.fd, TOKEN.watch);
    if (options.workers !== undefined) this.#epoll.add(options.workers.wakeFd, TOKEN.threads);
    this.#interface.probe();
  }

  /** All there is to tell of the device and its process. */
  *statistics(): Generator<Statistic, void> {
    yield* deviceStatistics(this.engine);
    yield* this.#options.extraStatistics?.() ?? [];
  }

  #watchSockets(v4: number, v6: number): void {
    this.#poll.set(PLACE.udp4, v4);
    this.#poll.set(PLACE.udp6, v6);
    this.#options.core.exports.setPort(this.#sockets.port);
  }

  #unwatchSockets(): void {
    this.#poll.set(PLACE.udp4, -1);
    this.#poll.set(PLACE.udp6, -1);
    this.#options.workers?.closeSockets();
  }

  #cameUp(): void {
    this.#options.log("verbose", "interface up");
    this.#interfaceUp = true;
    this.#start();
  }

  #wentDown(): void {
    this.#options.log("verbose", "interface down");
    this.#interfaceUp = false;
    this.engine.takeDown(performance.now());
    this.#sockets.stop();
  }

  /** The engine is up as long as the interface is and it can talk. */
  #start(): void {
    if (this.#sockets.start()) this.engine.bringUp(performance.now(), () => this.#takeWaiting());
  }

  #takeWaiting(): void {
    const { now } = this.engine;
    for (const family of [4, 6] as const) this.#lane.inbound(family, now, RX_SLOTS);
    this.engine.advance(now);
    this.#lane.flush();
  }

  #end(reason: string): void {
    this.#ended ??= reason;
  }

  /**
   * Run until the signal, the loss of the socket or the loss of the interface.
   * @returns why it ended; the engine is closed and its keys are wiped
   */
  async run(signal: AbortSignal): Promise<string> {
    const { workers } = this.#options;
    this.#probeAt = performance.now() + HEARTBEAT_MS;
    let turnAt = 0;
    try {
      while (this.#ended === undefined) {
        const before = performance.now();
        const ready = this.#wait.wait(before) > 0;
        const now = performance.now();
        const alone = ready && this.#serve(now, now - before);
        if (workers !== undefined || this.#mayWait(now) <= 0) this.#advance(now);
        if (alone) this.#wait.handOver();
        // No descriptor ready: a signal, perhaps. Its handler runs on the event loop.
        if (!ready || now >= turnAt) {
          await turn();
          turnAt = now + TURN_MS;
        }
        if (!ready && this.#unprepared) this.#unprepared = this.engine.prepare();
        if (signal.aborted) this.#end("asked to end");
      }
      return this.#ended;
    } finally {
      this.#close();
    }
  }

  /** @returns milliseconds, none or less when something is due */
  #mayWait(now: Instant): number {
    const { workers, patienceMs = HEARTBEAT_MS } = this.#options;
    // Work ahead only while nothing is waiting: then the wait does not block, and tells when something is.
    const idle = this.#unprepared ? now : Number.POSITIVE_INFINITY;
    const deadline = Math.min(
      idle,
      this.engine.nextDeadline(),
      this.#sourceCheck.nextDeadline(),
      this.#probeAt,
      this.#uapi.retryAt,
    );
    return Math.min(deadline - now, (workers?.deadline ?? deadline) - now, patienceMs);
  }

  /**
   * Whatever is ready. Where packets come singly, one is taken and dealt with before anything else: no time goes into looking for
   * a second. Where several were found the last time, or one and the next at once, many are taken in a turn.
   * @param pause milliseconds that were waited for it
   * @returns whether packets came singly, after a pause
   */
  #serve(now: Instant, pause: number): boolean {
    const written = this.#inside.written;
    for (let place = 0; place < PLACE.others; place++) {
      const before = this.#taken[place]!;
      this.#taken[place] = 0;
      if (this.#poll.ready(place))
        this.#take(place, now, before > 1 || (before === 1 && pause < AT_ONCE_MS) ? "many" : "one");
    }
    // What is written to TUN is often answered while it is written: an echo request, a segment that asks for an ACK.
    const received = this.#taken[PLACE.udp4]! | this.#taken[PLACE.udp6]!;
    const lone = received === 1 && this.#taken[PLACE.tun] === 0 && this.#wait.afterPause;
    if (lone && this.#inside.written !== written) this.#take(PLACE.tun, now, "one");
    const others = this.#poll.ready(PLACE.others) ? this.#epoll.wait(0) : 0;
    for (let i = 0; i < others; i++) this.#dispatch(this.#epoll.token(i), this.#epoll.events(i));
    return (received | this.#taken[PLACE.tun]!) === 1 && this.#wait.afterPause;
  }

  #take(place: number, now: Instant, amount: "one" | "many"): void {
    const taken =
      place === PLACE.tun
        ? this.#readTun(now, amount === "many" ? READS_PER_TURN : 1)
        : this.#lane.inbound(place === PLACE.udp4 ? 4 : 6, now, amount === "many" ? RX_SLOTS : 1);
    this.#taken[place] = taken;
    this.#wait.came(place, now, taken);
  }

  /** What is to be done when its time has come, or with workers each turn. */
  #advance(now: Instant): void {
    const { workers } = this.#options;
    workers?.collect(this.#letters, now);
    this.#sourceCheck.advance(now);
    this.engine.advance(now);
    if (workers !== undefined) this.engine.received();
    this.#lane.flush();
    if (now >= this.#uapi.retryAt) this.#uapi.retry();
    if (now >= this.#probeAt) {
      this.#interface.probe();
      if (this.#interfaceUp && !this.engine.up) this.#start();
      this.#sockets.dropStale(now);
      this.#options.eventLog?.tellDrops(() => this.engine.drops());
      this.#merging.advance(now);
      this.#probeAt = now + HEARTBEAT_MS;
    }
    workers?.gate.release();
  }

  /** Each step is taken whatever becomes of the others: no key stays because something could not be closed. */
  #close(): void {
    const { workers, log } = this.#options;
    const steps = [
      () => workers?.halt(),
      () => this.engine.close(),
      () => this.#uapi.close(),
      () => this.#sockets.stop(),
      () => this.#interface.close(),
      () => this.#sourceCheck.close(),
      () => this.#endpointCheck.close(),
      () => this.#epoll.close(),
    ];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        log("error", `at the end: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  #dispatch(token: number, events: number): void {
    switch (token) {
      case TOKEN.threads:
        return this.#options.workers?.woken();
      case TOKEN.network:
        return this.#interface.read();
      case TOKEN.watch:
        if (this.#options.watch?.isGone()) this.#end("the UAPI socket was removed");
        return;
      case TOKEN.uapi:
        this.engine.tell(performance.now());
        this.#unprepared = true;
        return this.#uapi.accept();
      default:
        this.engine.tell(performance.now());
        this.#unprepared = true;
        this.#options.workers?.collect(this.#letters, this.engine.now, "before a change");
        return this.#uapi.serve(token - TOKEN.connection, events);
    }
  }

  // ── the TUN device ─────────────────────────────────────────────────────────────────────────────────────────

  /** @returns reads */
  #readTun(now: Instant, most: number): number {
    // In another namespace a packet may be the first sign that it is up.
    if (!this.engine.up) this.#interface.probe();
    return this.#lane.outbound(now, most);
  }
}
