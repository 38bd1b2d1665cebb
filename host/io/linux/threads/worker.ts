/**
 * One worker thread: its queue of the TUN device, its UDP sockets, its instance of the core on the shared memory. It seals
 * and opens packets; whatever needs a decision (no session, a handshake, a timer) it tells thread 0. Packets of one
 * flow come to one thread, for the kernel picks TUN queue and UDP socket by flow, so their order is kept.
 */
import { parentPort, workerData } from "node:worker_threads";
import * as abi from "../../../../assembly/abi.ts";
import type { Core } from "../../../core/core.ts";
import { attachCore } from "../../../core/load.ts";
import { EINVAL, EMSGSIZE } from "../../../ffi/errno.ts";
import { type Libc, openLibc } from "../../../ffi/libc.ts";
import { BusyPoll } from "../busy-poll.ts";
import { Courtesy } from "../courtesy.ts";
import { drainEventfd, Epoll, signalEventfd } from "../epoll.ts";
import { describeRefusal } from "../refused-trains.ts";
import { tunIsGone } from "../tun.ts";
import { LinuxUdp, udpBytes } from "../udp.ts";
import { ChannelWriter, LETTER } from "./channel.ts";
import { CLOCK, CLOCK_SET, line, SOCKET_4, SOCKET_6, STOP } from "./control.ts";
import { Turnstile } from "./gate.ts";
import { RX_SLOTS, TOKEN, type WorkerReady, type WorkerSetup } from "./setup.ts";

const EVENTS = 8;
const READS_PER_TURN = 64;
const RECEIVES_PER_TURN = 4;
const TRAINS_PER_FLUSH = 4;
/** How soon thread 0 is told again of peers that it had no room for. */
const RETRY_MS = 10;
const STATUS_SHIFT = 24;
const PEER_MASK = 0xffffff;
/** A new key is to be used, a new path looked at. */
const URGENT = abi.EVENT_CONFIRMED | abi.EVENT_PATH | abi.EVENT_PATH_OFFERED;
const MERGE_ERRORS = new Set([EINVAL, EMSGSIZE]);

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
  readonly #look = () => this.#epoll.wait(0);
  readonly #udp: LinuxUdp;
  readonly #header: number;
  /** Thread 0's clock less ours. */
  #offset = 0;
  /** No longer while the first letter about a refused superpacket is on its way. */
  #mayMerge = true;

  constructor(setup: WorkerSetup, core: Core, libc: Libc) {
    this.#setup = setup;
    this.#core = core;
    this.#libc = libc;
    this.#words = new Int32Array(setup.control);
    this.#line = line(setup.thread - 1);
    this.#turnstile = new Turnstile(setup.control, setup.thread - 1, () => this.#refresh());
    this.#channel = new ChannelWriter(setup.channel, () => signalEventfd(libc, setup.wakeFirst));
    this.#busyPoll = new BusyPoll(new Courtesy(libc), setup.busyPoll);
    this.#header = setup.vnetHeader ? 0 : abi.VNET_BYTES;
    const control = core.at.ioControl;
    this.#epoll = new Epoll(libc, control + udpBytes(RX_SLOTS), EVENTS);
    const area = { control, buffer: core.at.rxBuffers, slots: RX_SLOTS, messages: 16 };
    this.#udp = new LinuxUdp(libc, area, {
      ...setup.udp,
      onSegmentationRefused: (errno) => this.tell(LETTER.log, describeRefusal(errno)),
    });
    this.#epoll.add(setup.tun, TOKEN.tun);
    this.#epoll.add(setup.wake, TOKEN.wake);
  }

  get ready(): WorkerReady {
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
    this.#mayMerge = true;
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
      const ready = this.#busyPoll.look(now, now + timeout, this.#look) || this.#epoll.wait(timeout);
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
    if (token === TOKEN.wake) return drainEventfd(this.#libc, this.#setup.wake);
    this.#busyPoll.extend(performance.now());
    this.#turnstile.enter();
    if (token === TOKEN.tun) this.#readTun();
    else this.#receive(token === TOKEN.udp4 ? 4 : 6);
    this.#turnstile.leave();
    this.#channel.flush(this.#now());
  }

  /** Between two batches: thread 0 may be waiting. */
  #checkpoint(): void {
    if (!this.#turnstile.wanted) return;
    this.#flush();
    this.#turnstile.leave();
    this.#turnstile.enter();
  }

  // ── TUN → UDP ──────────────────────────────────────────────────────────────────────────────────────────────

  #readTun(): void {
    const { tun } = this.#setup;
    const start = this.#core.at.tunBuffer;
    const now = this.#now();
    for (let i = 0; i < READS_PER_TURN; i++) {
      const length = this.#libc.read(tun, start + this.#header, abi.MESSAGE_BYTES_MAX);
      if (length <= 0) {
        // Thread 0 finds the same at its own queue, and ends.
        if (tunIsGone(length)) this.#epoll.remove(tun);
        break;
      }
      this.#send(start, length + this.#header, now);
      if (this.#core.exports.trains() >= TRAINS_PER_FLUSH) this.#flush();
      this.#checkpoint();
    }
    this.#flush();
    this.#nameTouched();
  }

  #send(vnet: number, length: number, now: number): void {
    const { exports } = this.#core;
    let result = exports.sendPacket(vnet, length, now);
    while (result >>> STATUS_SHIFT === abi.SEND_MORE) {
      this.#flush();
      result = exports.sendMore();
    }
    const status = result >>> STATUS_SHIFT;
    if (status === abi.SEND_DONE) return exports.noteEvent(result & PEER_MASK, abi.EVENT_SENT);
    if (status === abi.SEND_DONE_REKEY) {
      return exports.noteEvent(result & PEER_MASK, abi.EVENT_SENT | abi.EVENT_REKEY);
    }
    if (status === abi.SEND_MALFORMED) return exports.countDrop(abi.DROP_MALFORMED);
    if (status === abi.SEND_LOOP) return exports.countDrop(abi.DROP_LOOP);
    const sent = this.#channel.send(LETTER.packet, this.#core.bytes.subarray(vnet, vnet + length));
    if (!sent) exports.countDrop(abi.DROP_STAGED);
  }

  #flush(): void {
    const { core, udp } = { core: this.#core, udp: this.#udp };
    const count = core.exports.trains();
    if (count === 0) return;
    const incidents = udp.send(core.at.txDescriptors, count);
    for (let i = 0; i < count; i++) {
      if (incidents === 0 || udp.sender.errors[i] === 0) core.exports.accountTrain(i);
      else core.exports.countDrop(abi.DROP_SEND);
      if (incidents > 0 && udp.sender.sourceCleared[i] === 1) {
        const peer = core.u32(core.at.txDescriptors + abi.TX_BYTES * i + abi.TX_PEER);
        this.#channel.sendNumber(LETTER.sourceRefused, peer);
      }
    }
    core.exports.clearTrains();
  }

  // ── UDP → TUN ──────────────────────────────────────────────────────────────────────────────────────────────

  #receive(family: 4 | 6): void {
    const now = this.#now();
    for (let i = 0; i < RECEIVES_PER_TURN; i++) {
      const count = this.#udp.receive(family, this.#core.at.rxDescriptors);
      if (count <= 0) return;
      this.#deliver(this.#core.exports.receive(count, now));
      this.#nameTouched();
      this.#forwardHandshakes();
      if (count < RX_SLOTS) return;
      this.#checkpoint();
    }
  }

  #deliver(writes: number): void {
    const core = this.#core;
    for (let i = 0; i < writes; i++) {
      const write = core.at.writes + abi.WRITE_BYTES * i;
      const entries = core.u32(write + abi.WRITE_COUNT);
      const written = this.#libc.writev(this.#setup.tun, core.u32(write + abi.WRITE_GATHER), entries);
      if (written < 0 && entries > 1 && this.#mayMerge && MERGE_ERRORS.has(-written)) {
        this.#mayMerge = false;
        this.#channel.sendNumber(LETTER.writeRefused, -written);
      }
    }
  }

  #nameTouched(): void {
    const core = this.#core;
    const first = core.at.touched >>> 2;
    const touched = core.exports.takeTouched();
    for (let i = 0; i < touched; i++) {
      const slot = core.words[first + i]!;
      const urgent = (core.u32(core.peer(slot) + abi.PEER_EVENTS) & URGENT) !== 0;
      this.#channel.name(slot, urgent ? "now" : "soon");
    }
  }

  #forwardHandshakes(): void {
    const { exports, bytes } = this.#core;
    for (let left = exports.queued(); left > 0; left--) {
      const entry = exports.firstQueued();
      const sent = this.#channel.send(LETTER.handshake, bytes.subarray(entry, entry + abi.QUEUED_BYTES));
      if (!sent) exports.countDrop(abi.DROP_HANDSHAKE_QUEUE);
      exports.dropQueued();
    }
  }
}

async function main(setup: WorkerSetup): Promise<void> {
  const { module, memory, maxPeers, maxRoutes, thread } = setup;
  const core = await attachCore(module, memory, { maxPeers, maxRoutes, thread });
  core.exports.share();
  const libc = await openLibc(memory);
  const loop = new WorkerLoop(setup, core, libc);
  parentPort?.postMessage(loop.ready);
  try {
    loop.run();
  } catch (error) {
    loop.tell(LETTER.failure, error instanceof Error ? error.message : String(error));
  } finally {
    loop.close();
  }
}

await main(workerData as WorkerSetup);
