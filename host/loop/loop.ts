/**
 * The loop driver: one engine and its lane between TUN device and UDP sockets, around one blocking wait of the system's (host/os/machine.ts).
 * It waits, and calls the lane; packets stay in linear memory from system call to system call. It runs on the thread that calls it and lets the
 * runtime's own event loop (signals, the log) have a turn after a signal and a few times a second.
 */
import { MESSAGE_BYTES_MAX, RX_SLOTS, TRAIN_DATAGRAMS_MAX, TX_TRAINS } from "../core/codes.ts";
import type { Core } from "../core/core.ts";
import { Engine } from "../engine/engine.ts";
import type { Peer } from "../engine/peer.ts";
import { Lane } from "../lane/lane.ts";
import { deviceStatistics, type Statistic } from "../metrics/statistics.ts";
import { PLACE, type TunnelEvents, type TunnelPorts } from "../os/machine.ts";
import type { Instant } from "../time/instant.ts";
import type { EventLog } from "./event-log.ts";
import { Merging } from "./merging.ts";
import { PacketWait } from "./packet-wait.ts";
import type { LetterSink, Workers } from "./threads/workers.ts";
import { turn } from "./turn.ts";

/** Receive slots, trains and the TUN read: what the packet path itself takes. */
const BUFFER_BYTES = (RX_SLOTS + TX_TRAINS + 1) * MESSAGE_BYTES_MAX;
/** Reads from TUN before others get their turn. */
const READS_PER_TURN = 64;
/** A wait shorter than this found something there already. */
const AT_ONCE_MS = 0.01;
/** The interface is looked at, and the runtime's event loop served, at least this often. */
const HEARTBEAT_MS = 1_000;
const TURN_MS = 100;

export interface LoopOptions {
  readonly core: Core;
  /** Opens what the system has for it. */
  readonly open: (events: TunnelEvents) => TunnelPorts;
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
  readonly #ports: TunnelPorts;
  /** What becomes of what other threads tell. */
  readonly #letters: LetterSink;
  readonly #options: LoopOptions;
  readonly #wait: PacketWait;
  readonly #merging: Merging;
  #ended: string | undefined;
  #interfaceUp = false;
  /** By place: reads or messages taken in the last turn. */
  readonly #taken = new Uint8Array(PLACE.others);
  #probeAt: Instant = 0;
  /** The configuration changed: there may be something to compute ahead. */
  #unprepared = false;

  constructor(options: LoopOptions) {
    const { core } = options;
    this.#options = options;
    this.#ports = options.open({
      cameUp: () => this.#cameUp(),
      wentDown: () => this.#wentDown(),
      mtu: (mtu) => core.exports.setMtu(mtu),
      ended: (reason) => this.#end(reason),
      mergeRefused: (errno) => this.#merging.refusedBy(errno),
      portChanged: (port) => core.exports.setPort(port),
      configuring: (connection) => this.#configuring(connection),
    });
    const ports = this.#ports;
    core.exports.setBase(ports.base);
    this.#merging = new Merging(core, ports.device, (text) => options.log("error", text));
    core.exports.setTrainLength(TRAIN_DATAGRAMS_MAX);
    const waiting = options.workers?.waiting(ports) ?? ports.waiting;
    const { yieldCore } = ports;
    this.#wait = new PacketWait({ waiting, yieldCore }, PLACE.others, options.busyPoll, (now) => this.#mayWait(now));
    this.#lane = new Lane(core, ports.inside, ports.outside);
    this.engine = new Engine({
      lane: this.#lane,
      events: {
        ...options.eventLog?.events,
        pathLearnt: (peer) => {
          ports.pathLearnt(peer);
          options.eventLog?.pathLearnt(peer);
        },
        peerCreated: (peer) => options.peerCreated?.(peer),
        mayFollow: (path) => ports.mayFollow(path),
      },
      now: performance.now(),
      ...(options.packetMemory && { stagedBytes: options.packetMemory - BUFFER_BYTES }),
      uptime: ports.uptime,
      random: (into) => ports.fillRandom(into),
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
    ports.serve(this.engine, () => this.statistics());
  }

  /** All there is to tell of the device and its process. */
  *statistics(): Generator<Statistic, void> {
    yield* deviceStatistics(this.engine);
    yield* this.#options.extraStatistics?.() ?? [];
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
    this.#ports.stopSockets();
  }

  /** The engine is up as long as the interface is and it can talk. */
  #start(): void {
    if (this.#ports.startSockets()) this.engine.bringUp(performance.now(), () => this.#takeWaiting());
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
      while (this.#over(signal) === undefined) {
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
      }
      return this.#ended!;
    } finally {
      this.#close();
    }
  }

  /** Looked at before each wait, also the first: nothing would interrupt that for a signal that came before. @returns why it is over */
  #over(signal: AbortSignal): string | undefined {
    if (signal.aborted) this.#end("asked to end");
    return this.#ended;
  }

  /** @returns milliseconds, none or less when something is due */
  #mayWait(now: Instant): number {
    const { workers, patienceMs = HEARTBEAT_MS } = this.#options;
    // Work ahead only while nothing is waiting: then the wait does not block, and tells when something is.
    const idle = this.#unprepared ? now : Number.POSITIVE_INFINITY;
    const deadline = Math.min(idle, this.engine.nextDeadline(), this.#ports.nextDeadline(), this.#probeAt);
    return Math.min(deadline - now, (workers?.deadline ?? deadline) - now, patienceMs);
  }

  /**
   * Whatever is ready. Where packets come singly, one is taken and dealt with before anything else: no time goes into looking for
   * a second. Where several were found the last time, or one and the next at once, many are taken in a turn.
   * @param pause milliseconds that were waited for it
   * @returns whether packets came singly, after a pause
   */
  #serve(now: Instant, pause: number): boolean {
    const { inside, waiting } = this.#ports;
    const { written } = inside;
    for (let place = 0; place < PLACE.others; place++) {
      const before = this.#taken[place]!;
      this.#taken[place] = 0;
      const numbers = before > 1 || (before === 1 && pause < AT_ONCE_MS) || this.#wait.gathered;
      if (waiting.ready(place)) this.#take(place, now, numbers ? "many" : "one");
    }
    // What is written to TUN is often answered while it is written: an echo request, a segment that asks for an ACK.
    const received = this.#taken[PLACE.udp4]! | this.#taken[PLACE.udp6]!;
    const lone = received === 1 && this.#taken[PLACE.tun] === 0 && this.#wait.awaited;
    if (lone && inside.written !== written) this.#take(PLACE.tun, now, "one");
    if (waiting.ready(PLACE.others)) this.#ports.serveOthers();
    return (received | this.#taken[PLACE.tun]!) === 1 && this.#wait.awaited;
  }

  #take(place: number, now: Instant, amount: "one" | "many"): void {
    const taken =
      place === PLACE.tun
        ? this.#readTun(now, amount === "many" ? READS_PER_TURN : 1)
        : this.#lane.inbound(place === PLACE.udp4 ? 4 : 6, now, amount === "many" ? RX_SLOTS : 1);
    this.#taken[place] = taken;
    this.#wait.came(place, now, taken, place === PLACE.tun ? READS_PER_TURN : RX_SLOTS);
  }

  /** What is to be done when its time has come, or with workers each turn. */
  #advance(now: Instant): void {
    const { workers } = this.#options;
    workers?.collect(this.#letters, now);
    this.#ports.advance(now);
    this.engine.advance(now);
    if (workers !== undefined) this.engine.received();
    this.#lane.flush();
    if (now >= this.#probeAt) {
      this.#ports.heartbeat(now);
      if (this.#interfaceUp && !this.engine.up) this.#start();
      this.#options.eventLog?.tellDrops(() => this.engine.drops());
      this.#merging.advance(now);
      this.#probeAt = now + HEARTBEAT_MS;
    }
    this.#letWorkersGoOn(now);
  }

  /** A packet that a worker had no session for, and told of late, is older than all that it sends under a session begun meanwhile. */
  #letWorkersGoOn(now: Instant): void {
    const { workers } = this.#options;
    if (workers?.gate.isHeld !== true) return;
    workers.collect(this.#letters, now, "before a change");
    this.#lane.flush();
    workers.gate.release();
  }

  /** Each step is taken whatever becomes of the others: no key stays because something could not be closed. */
  #close(): void {
    const { workers, log } = this.#options;
    const steps = [() => workers?.halt(), () => this.engine.close(), ...this.#ports.closing()];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        log("error", `at the end: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  /** A client may change anything: it is now, and what other threads told comes first. */
  #configuring(connection: "new" | "old"): void {
    this.engine.tell(performance.now());
    this.#unprepared = true;
    if (connection === "old") this.#options.workers?.collect(this.#letters, this.engine.now, "before a change");
  }

  // ── the TUN device ─────────────────────────────────────────────────────────────────────────────────────────

  /** @returns reads */
  #readTun(now: Instant, most: number): number {
    // In another namespace a packet may be the first sign that it is up.
    if (!this.engine.up) this.#ports.probe();
    return this.#lane.outbound(now, most);
  }
}
