/**
 * Thread 0's view of the workers: starts them, opens their UDP sockets, collects what they tell, pauses them while
 * something changes, ends them. One of these exists only where there is more than one thread.
 */
import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { MESSAGE_BYTES_MAX, RX_SLOTS, TX_TRAINS, VNET_BYTES } from "../../core/codes.ts";
import type { Core } from "../../core/core.ts";
import { sharedCoreModule } from "../../core/load.ts";
import type { Engine } from "../../engine/engine.ts";
import { SOCKET } from "../../ffi/constants.ts";
import type { Lane } from "../../lane/lane.ts";
import { addToEpoll, drainEventfd, openEventfd, signalEventfd } from "../../os/linux/epoll.ts";
import type { ThreadParts } from "../../os/linux/thread-parts.ts";
import type { LinuxTun } from "../../os/linux/tun.ts";
import { LinuxUdp, type UdpOptions, type UdpSockets } from "../../os/linux/udp.ts";
import type { BoundSockets, Companions, TunnelPorts, Waiting } from "../../os/machine.ts";
import { setOption } from "../../os/socket-option.ts";
import { processors } from "../../platform.ts";
import { Courtesy } from "../courtesy.ts";
import { ChannelReader, LETTER, makeChannel, REST_MS } from "./channel.ts";
import { CLOCK, CLOCK_SET, GONE, line, makeControl, SOCKET_4, SOCKET_6, STATE, STOP } from "./control.ts";
import { Gate } from "./gate.ts";
import { guardedCore } from "./guard.ts";
import { Helping } from "./helping.ts";
import { Patience } from "./patience.ts";
import { TOKEN, type WorkerReady, type WorkerSetup } from "./setup.ts";

const START_LIMIT_MS = 10_000;
/** Longer than a worker waits for those that share its batch (Fork.isDone): keys are wiped afterwards. */
const STOP_LIMIT_MS = 9_000;

export interface WorkersOptions extends ThreadParts {
  readonly core: Core;
  /** What thread 0's core seals and opens with, if it is not its own code (core/wide-kernel.ts). */
  readonly wideKernel?: WebAssembly.Module | undefined;
  readonly udp: Pick<UdpOptions, "segmentation" | "coalescing">;
  /** Microseconds; see LoopOptions. */
  readonly busyPoll?: number | undefined;
  log(level: "error" | "verbose", message: string): void;
}

/** What the driver does with a worker's letters. */
export interface LetterSink {
  readonly engine: Engine;
  /** Carries what only the first thread can deal with. */
  readonly lane: Lane;
  /** The TUN device refused a superpacket. */
  mergeRefused(errno: number): void;
}

interface Member {
  readonly worker: Worker;
  readonly channel: ChannelReader;
  epollFd: number;
  /** Opens its sockets; it sends and receives through a LinuxUdp of its own on the same area. */
  udp: LinuxUdp | undefined;
}

/** Sources run as they are, or compiled side by side. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

export class Workers implements Companions {
  /** The core that the engine must use from now on. */
  readonly core: Core;
  /** Becomes readable when a worker has something that cannot wait. */
  readonly wakeFd: number;
  readonly gate: Gate;
  /** What all of them seal and open with: "given" only if each passed its check. */
  kernel: WorkerReady["kernel"] = "given";
  readonly #options: WorkersOptions;
  readonly #control: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #members: Member[] = [];
  /** Of all threads, by number. */
  readonly #wakes: readonly number[];
  /** One core has nothing to spare. */
  readonly #idle: WorkerSetup["idle"] = processors() > 1 ? "helps" : "sleeps";
  #pollAt = Infinity;
  #failure: string | undefined;
  #stopped = false;

  private constructor(options: WorkersOptions) {
    const workers = options.queues.length;
    this.#options = options;
    this.#control = makeControl(workers);
    this.#words = new Int32Array(this.#control);
    this.gate = new Gate(this.#control, workers);
    this.core = guardedCore(options.core, this.gate);
    this.#wakes = Array.from({ length: 1 + workers }, () => openEventfd(options.libc));
    this.wakeFd = this.#wakes[0]!;
  }

  /** All workers run when this resolves. @throws Error when one cannot start */
  static async start(options: WorkersOptions): Promise<Workers> {
    const workers = new Workers(options);
    options.core.exports.share();
    options.core.exports.setBase(options.libc.base);
    try {
      for (const queue of options.queues) await workers.#add(queue);
    } catch (error) {
      await workers.stop();
      throw error;
    }
    return workers;
  }

  async #add(queue: LinuxTun): Promise<void> {
    const { core, libc, udp } = this.#options;
    const channel = makeChannel();
    const index = this.#members.length;
    const setup: WorkerSetup = {
      thread: index + 1,
      module: await sharedCoreModule(),
      memory: core.memory,
      wideKernel: this.#options.wideKernel,
      maxPeers: core.maxPeers,
      maxRoutes: core.maxRoutes,
      memoryEnd: core.exports.memoryEnd.value >>> 0,
      control: this.#control,
      channel,
      tun: queue.fd,
      vnetHeader: queue.vnetHeader,
      busyPoll: this.#options.busyPoll ?? 0,
      wakes: this.#wakes,
      idle: this.#idle,
      udp,
    };
    // Loads the runtime's streams: only where there are threads.
    const { Worker } = await import("node:worker_threads");
    const worker = new Worker(ENTRY, { workerData: setup });
    const member: Member = { worker, channel: new ChannelReader(channel), epollFd: -1, udp: undefined };
    this.#members.push(member);
    worker.on("error", (error: Error) => this.#fail(`thread ${index + 1}: ${error.message}`));
    worker.on("exit", () => {
      Atomics.store(this.#words, line(index) + STATE, GONE);
      this.#fail(`thread ${index + 1} has ended`);
    });
    const [ready] = (await once(worker, "message", { signal: AbortSignal.timeout(START_LIMIT_MS) })) as [WorkerReady];
    member.epollFd = ready.epoll;
    if (ready.kernel === "own") this.kernel = "own";
    const area = { control: ready.ioControl, buffer: ready.rxBuffers, slots: RX_SLOTS, messages: TX_TRAINS };
    member.udp = new LinuxUdp(libc, area, { ...udp, reusePort: true });
    new Float64Array(this.#control)[(line(index) + CLOCK) / 2] = performance.now();
    Atomics.store(this.#words, line(index) + CLOCK_SET, 1);
    Atomics.notify(this.#words, line(index) + CLOCK_SET);
  }

  #fail(reason: string): void {
    if (this.#stopped) return;
    this.#failure ??= reason;
    signalEventfd(this.#options.libc, this.wakeFd);
  }

  // ── sockets ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Thread 0's sockets are bound: let workers share their port, each peer's datagrams staying with one thread.
   * @throws PortInUseError, SystemError: no worker's sockets have changed then
   */
  openSockets({ v4, v6, port }: BoundSockets, mark: number): void {
    const { libc } = this.#options;
    this.gate.hold();
    // Set only now, so that a port which another program shares was refused as taken.
    for (const fd of [v4, v6]) if (fd >= 0) setOption(libc, fd, SOCKET.SOL_SOCKET, SOCKET.SO_REUSEPORT, 1);
    const fresh: UdpSockets[] = [];
    try {
      for (const { udp } of this.#members) fresh.push(udp!.bind(port, mark));
    } catch (error) {
      for (const [index, sockets] of fresh.entries()) this.#members[index]!.udp!.discard(sockets);
      throw error;
    }
    this.#members.forEach((member, index) => {
      member.udp!.replace(fresh[index]!);
      this.#tellSockets(index, member);
    });
  }

  #tellSockets(index: number, { udp, epollFd }: Member): void {
    const [v4, v6] = [udp?.v4 ?? -1, udp?.v6 ?? -1];
    this.#words[line(index) + SOCKET_4] = v4;
    this.#words[line(index) + SOCKET_6] = v6;
    if (v4 >= 0) addToEpoll(this.#options.libc, epollFd, v4, TOKEN.udp4);
    if (v6 >= 0) addToEpoll(this.#options.libc, epollFd, v6, TOKEN.udp6);
  }

  closeSockets(): void {
    this.gate.hold();
    this.#members.forEach((member, index) => {
      member.udp?.close();
      this.#tellSockets(index, member);
    });
  }

  /** @throws SystemError without CAP_NET_RAW */
  setMark(mark: number): void {
    for (const member of this.#members) member.udp?.setMark(mark);
  }

  // ── what threads do for each other ─────────────────────────────────────────────────────────────────────────

  /** How thread 0 waits: it helps the others meanwhile, as they help it. */
  waiting({ waiting, yieldCore }: Pick<TunnelPorts, "waiting" | "yieldCore">): Waiting {
    if (this.#idle === "sleeps") return waiting;
    const helping = new Helping({
      exports: this.core.exports,
      control: this.#control,
      thread: 0,
      threads: this.#wakes.length,
      wait: (timeoutMs) => waiting.wait(timeoutMs),
      wake: (thread) => this.#wake(thread),
      courtesy: new Courtesy(yieldCore),
    });
    return {
      wait: (timeoutMs) => helping.wait(timeoutMs),
      waitBriefly: (timeoutMs) => waiting.waitBriefly(timeoutMs),
      ready: (place) => waiting.ready(place),
      ...(waiting.pause !== undefined && {
        pause: (milliseconds: number) => {
          helping.batchDone();
          waiting.pause!(milliseconds);
        },
      }),
    };
  }

  /** Messages that another thread sealed or opened than the one they came to. */
  get helpedMessages(): bigint {
    return this.core.exports.helpedMessages();
  }

  // ── what workers tell ──────────────────────────────────────────────────────────────────────────────────────

  /** When `collect` must be called at the latest, as workers do not wake thread 0 for everything. */
  get deadline(): number {
    return this.#pollAt;
  }

  woken(): void {
    drainEventfd(this.#options.libc, this.wakeFd);
    this.#pollAt = 0;
  }

  /** Take all that workers told, while they pause. @throws Error once a worker has failed */
  collect(sink: LetterSink, now: number, reason: "in time" | "before a change" = "in time"): void {
    if (now < this.#pollAt && reason === "in time") return;
    if (this.#failure !== undefined) throw new Error(this.#failure);
    if (this.#members.every(({ channel }) => channel.isEmpty)) {
      // After a call of theirs one more look, for what they told since without calling.
      if (now >= this.#pollAt) this.#pollAt = this.#pollAt === 0 ? now + REST_MS : Infinity;
      return;
    }
    this.gate.hold();
    this.#pollAt = now + REST_MS;
    sink.engine.tell(now);
    for (const { channel } of this.#members) {
      for (let slot = channel.nextPeer(); slot !== undefined; slot = channel.nextPeer()) sink.engine.touched(slot);
      this.#readLetters(channel, sink, now);
    }
  }

  #readLetters(channel: ChannelReader, sink: LetterSink, now: number): void {
    const { core } = this;
    const { engine } = sink;
    const at = core.at.tunBuffer;
    const into = core.bytes.subarray(at, at + MESSAGE_BYTES_MAX + VNET_BYTES);
    for (let letter = channel.nextLetter(into); letter !== undefined; letter = channel.nextLetter(into)) {
      switch (letter.kind) {
        case LETTER.packet:
          sink.lane.send(at, letter.length, now);
          break;
        case LETTER.handshake:
          if (engine.up) core.exports.enqueueHandshake(at);
          break;
        case LETTER.sourceRefused:
          engine.sourceRefused(core.u32(at));
          break;
        case LETTER.mergeRefused:
          sink.mergeRefused(core.u32(at));
          break;
        default: {
          const text = new TextDecoder().decode(into.slice(0, letter.length));
          if (letter.kind === LETTER.log) this.#options.log("error", text);
          else throw new Error(text);
        }
      }
    }
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Workers touch nothing any more when this returns; their threads end soon after. */
  halt(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    Atomics.store(this.#words, STOP, 1);
    this.gate.release();
    try {
      for (let thread = 1; thread <= this.#members.length; thread++) this.#wake(thread);
      this.#awaitEnd(new Patience(STOP_LIMIT_MS));
    } finally {
      this.gate.end();
    }
  }

  /** One that cannot be woken must not keep the others from being told. */
  #wake(thread: number): void {
    try {
      signalEventfd(this.#options.libc, this.#wakes[thread]!);
    } catch (error) {
      this.#options.log("error", error instanceof Error ? error.message : String(error));
    }
  }

  #awaitEnd(patience: Patience): void {
    this.#members.forEach(({ epollFd }, index) => {
      if (epollFd < 0) return;
      const state = line(index) + STATE;
      for (let seen = Atomics.load(this.#words, state); seen !== GONE; seen = Atomics.load(this.#words, state)) {
        if (patience.isOver()) return;
        Atomics.wait(this.#words, state, seen, 10);
      }
    });
  }

  /** Their threads have ended when this resolves. */
  async stop(): Promise<void> {
    this.halt();
    const { libc } = this.#options;
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
    for (const { udp } of this.#members) udp?.close();
    for (const wake of this.#wakes) libc.close(wake);
  }
}
