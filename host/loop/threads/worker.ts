/**
 * One worker thread: a lane between its queue of the TUN device and its UDP sockets, on its own instance of the core and the
 * shared memory. Whatever needs a decision (no session, a handshake, a timer) its control tells thread 0. Packets of one
 * flow come to one thread, for the kernel picks TUN queue and UDP socket by flow, so their order is kept.
 */
import { parentPort, workerData } from "node:worker_threads";
import { RX_SLOTS, TX_TRAINS } from "../../core/codes.ts";
import type { Core } from "../../core/core.ts";
import { attachCore } from "../../core/load.ts";
import { useWideKernel } from "../../core/wide-kernel.ts";
import { errnoName } from "../../ffi/errno.ts";
import { type Libc, openLibc } from "../../ffi/libc.ts";
import { Lane } from "../../lane/lane.ts";
import { drainEventfd, Epoll, signalEventfd } from "../../os/linux/epoll.ts";
import { TunInside } from "../../os/linux/tun-inside.ts";
import { LinuxUdp, udpBytes } from "../../os/linux/udp.ts";
import { describeRefusal } from "../../os/refused-trains.ts";
import { UdpOutside } from "../../os/udp-outside.ts";
import { BusyPoll } from "../busy-poll.ts";
import { Courtesy } from "../courtesy.ts";
import { ChannelWriter, LETTER } from "./channel.ts";
import { CLOCK, CLOCK_SET, line, SOCKET_4, SOCKET_6, STOP } from "./control.ts";
import { Turnstile } from "./gate.ts";
import { Helping } from "./helping.ts";
import { TOKEN, type WorkerReady, type WorkerSetup } from "./setup.ts";
import { WorkerControl } from "./worker-control.ts";

const EVENTS = 8;
const READS_PER_TURN = 64;
/** How soon thread 0 is told again of peers that it had no room for. */
const RETRY_MS = 10;

class WorkerLoop {
  readonly #setup: WorkerSetup;
  readonly #core: Core;
  readonly #libc: Libc;
  readonly #words: Int32Array;
  readonly #line: number;
  readonly #turnstile: Turnstile;
  readonly #channel: ChannelWriter;
  readonly #epoll: Epoll;
  readonly #busyPoll: BusyPoll;
  readonly #wait: (timeoutMs: number) => number;
  readonly #look = () => this.#wait(0);
  readonly #udp: LinuxUdp;
  readonly #lane: Lane;
  readonly #control: WorkerControl;
  /** Thread 0's clock less ours. */
  #offset = 0;
  /** Silent while the first letter about a refused superpacket is on its way. */
  #mergeLetter: "to write" | "written" = "to write";

  constructor(setup: WorkerSetup, core: Core, libc: Libc) {
    this.#setup = setup;
    this.#core = core;
    this.#libc = libc;
    this.#words = new Int32Array(setup.control);
    this.#line = line(setup.thread - 1);
    this.#turnstile = new Turnstile(setup.control, setup.thread - 1, () => this.#refresh());
    this.#channel = new ChannelWriter(setup.channel, () => signalEventfd(libc, setup.wakes[0]!));
    const courtesy = new Courtesy(() => libc.schedYield());
    this.#busyPoll = new BusyPoll(courtesy, setup.busyPoll);
    const control = core.at.ioControl;
    this.#epoll = new Epoll(libc, control + udpBytes(RX_SLOTS), EVENTS);
    this.#wait = this.#waitWith(courtesy);
    const area = { control, buffer: core.at.rxBuffers, slots: RX_SLOTS, messages: TX_TRAINS };
    this.#udp = new LinuxUdp(libc, area, {
      ...setup.udp,
      onSegmentationRefused: (errno) => this.tell(LETTER.log, describeRefusal(errnoName(errno))),
    });
    const inside = new TunInside({
      core,
      libc,
      fd: setup.tun,
      vnetHeader: setup.vnetHeader,
      // Thread 0 finds the same at its own queue, and ends.
      gone: () => this.#epoll.remove(setup.tun),
      mergeRefused: (errno) => this.#mergeRefused(errno),
    });
    this.#lane = new Lane(core, inside, new UdpOutside(core, this.#udp));
    this.#control = new WorkerControl(core, this.#channel, this.#turnstile);
    this.#lane.answerTo(this.#control);
    this.#lane.open();
    this.#epoll.add(setup.tun, TOKEN.tun);
    this.#epoll.add(setup.wakes[setup.thread]!, TOKEN.wake);
  }

  #waitWith(courtesy: Courtesy): (timeoutMs: number) => number {
    const { control, thread, wakes, idle } = this.#setup;
    const wait = (timeoutMs: number) => this.#epoll.wait(timeoutMs);
    if (idle === "sleeps") return wait;
    const wake = (other: number) => signalEventfd(this.#libc, wakes[other]!);
    const { exports } = this.#core;
    const helping = new Helping({ exports, control, thread, threads: wakes.length, wait, wake, courtesy });
    return (timeoutMs) => helping.wait(timeoutMs);
  }

  get ready(): Omit<WorkerReady, "kernel"> {
    const { ioControl, rxBuffers } = this.#core.at;
    return { epoll: this.#epoll.fd, ioControl, rxBuffers };
  }

  tell(kind: number, text: string): void {
    this.#channel.send(kind, new TextEncoder().encode(text.slice(0, 2000)));
    this.#channel.flush(0);
  }

  /** Inside the turnstile: thread 0 may have changed sockets and settings. */
  #refresh(): void {
    const v4 = this.#words[this.#line + SOCKET_4]!;
    const v6 = this.#words[this.#line + SOCKET_6]!;
    if (v4 < 0 && v6 < 0) this.#udp.release();
    else if (v4 !== this.#udp.v4 || v6 !== this.#udp.v6) this.#udp.adopt(v4, v6);
    this.#core.exports.adoptSettings();
    this.#mergeLetter = "to write";
  }

  #mergeRefused(errno: number): void {
    if (this.#mergeLetter === "written") return;
    this.#mergeLetter = "written";
    this.#channel.sendNumber(LETTER.mergeRefused, errno);
  }

  /** The clocks of two threads need not have the same beginning. */
  #takeClock(): void {
    Atomics.wait(this.#words, this.#line + CLOCK_SET, 0, 10_000);
    this.#offset = new Float64Array(this.#setup.control)[(this.#line + CLOCK) / 2]! - performance.now();
  }

  #now(): number {
    return performance.now() + this.#offset;
  }

  /** Until thread 0 says stop. */
  run(): void {
    this.#takeClock();
    while (Atomics.load(this.#words, STOP) === 0) {
      const timeout = this.#channel.isBehind ? RETRY_MS : Infinity;
      const now = performance.now();
      const ready = this.#busyPoll.look(now, now + timeout, this.#look) || this.#wait(timeout);
      for (let i = 0; i < ready; i++) this.#dispatch(this.#epoll.token(i));
      if (ready === 0) this.#channel.flush(this.#now());
    }
  }

  /** Wipe what is this thread's own, and let nobody wait for it. */
  close(): void {
    try {
      this.#core.exports.clearTrains();
      this.#core.exports.wipe();
      this.#epoll.close();
    } finally {
      this.#turnstile.gone();
    }
  }

  #dispatch(token: number): void {
    if (token === TOKEN.wake) return drainEventfd(this.#libc, this.#setup.wakes[this.#setup.thread]!);
    this.#busyPoll.extend(performance.now());
    this.#turnstile.enter();
    const now = this.#now();
    if (token === TOKEN.tun) this.#lane.outbound(now, READS_PER_TURN);
    else this.#lane.inbound(token === TOKEN.udp4 ? 4 : 6, now, RX_SLOTS);
    this.#control.nameTouched();
    this.#turnstile.leave();
    this.#channel.flush(this.#now());
  }
}

async function main(setup: WorkerSetup): Promise<void> {
  const { module, memory, wideKernel } = setup;
  const core = await attachCore(module, memory, setup);
  const kernel = wideKernel !== undefined && useWideKernel(core, wideKernel) ? "given" : "own";
  core.exports.share();
  const libc = await openLibc(memory);
  const loop = new WorkerLoop(setup, core, libc);
  const ready: WorkerReady = { ...loop.ready, kernel };
  parentPort?.postMessage(ready);
  try {
    loop.run();
  } catch (error) {
    loop.tell(LETTER.failure, error instanceof Error ? error.message : String(error));
  } finally {
    loop.close();
  }
}

await main(workerData as WorkerSetup);
