/**
 * The event driver: one engine and its lane on the runtime's own event loop, between any Bind and any Tun. It copies bytes
 * into and out of linear memory. Code that is not ours (Bind, Tun, listeners) runs only while the engine rests, so it may call
 * back at once: what is to be sent and delivered is collected, and handed out when the engine has finished.
 */
import {
  DROP_MALFORMED,
  DROP_SEND,
  DROP_SHORT,
  DROP_TYPE,
  MESSAGE_BYTES_MAX,
  RX_SLOTS,
  TRAIN_DATAGRAMS_MAX,
  VNET_BYTES,
} from "../core/codes.ts";
import type { Address, Endpoint } from "../core/core.ts";
import { Engine } from "../engine/engine.ts";
import { Lane } from "../lane/lane.ts";
import { NEVER } from "../time/instant.ts";
import { keepAlive } from "../time/keep-alive.ts";
import { dropsOf, type Outcome, settle } from "./answers.ts";
import type { Bind, BindEvents } from "./bind.ts";
import { BindOutside } from "./bind-outside.ts";
import { requireBytes } from "./bytes.ts";
import type { EventDriverOptions, SendFailure } from "./driver-options.ts";
import { Outgoing } from "./outgoing.ts";
import { PacketInside } from "./packet-inside.ts";
import { requireSegment } from "./received.ts";
import { soon } from "./soon.ts";
import { system } from "./system.ts";
import type { SuperpacketPlace, TunEvents } from "./tun.ts";

const PACKET_BYTES_MAX = MESSAGE_BYTES_MAX - VNET_BYTES;
/** About a train: what waits is sent although more may come in a row, so that the far end can start on it. */
const FLUSH_BYTES = 60_000;
/** Longest delay that the timers of every runtime take. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class EventDriver {
  readonly engine: Engine;
  readonly #lane: Lane;
  /** Of a DirectBind it is its own. */
  readonly #outside: BindOutside | undefined;
  readonly #hasRoom: () => boolean;
  /** How datagrams are carried. */
  readonly running: "ffi" | "portable";
  readonly #outgoing: Outgoing;
  readonly #options: EventDriverOptions;
  #open = false;
  #turnDue = false;
  #flushDue = false;
  /** When the engine was last told the time: packets that come in a row are of one moment. */
  #now = 0;
  /** Handed over by the Tun since the last flush. */
  #waitingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = NEVER;
  #refs: "ref" | "unref" = "ref";
  #tunDrops = 0n;
  #sendFailure: SendFailure | undefined;

  constructor(options: EventDriverOptions) {
    const { core, bind } = options;
    this.#options = options;
    this.bindEvents = { ...this.#bindEvents, mtu: options.mtu };
    this.#outgoing = new Outgoing(options.bind.sendTrain === undefined ? "given" : "lent", {
      train: (bytes, segment, to) => this.#send(bytes, segment, to),
      packet: (bytes) => this.#write(bytes),
    });
    const direct = "outside" in bind ? bind.outside : undefined;
    this.running = direct === undefined ? "portable" : "ffi";
    this.#outside = direct === undefined ? new BindOutside(core, this.#outgoing) : undefined;
    const kind = options.tun.superpackets === true ? "superpackets" : "packets";
    const buffers = options.tun.sharesBuffers === true ? "shared" : "own";
    const inside = new PacketInside(core, this.#outgoing, kind, buffers);
    const outside = direct ?? this.#outside!;
    this.#hasRoom = () => outside.hasRoom;
    this.#lane = new Lane(core, inside, outside);
    core.exports.setBase(0n);
    const superpackets = kind === "superpackets" ? 1 : 0;
    core.exports.setTun(superpackets, superpackets, superpackets);
    core.exports.setTrainLength(TRAIN_DATAGRAMS_MAX);
    this.engine = new Engine({
      lane: this.#lane,
      events: {
        told: (peer, event) => options.told(peer, event),
        pathLearnt: (peer) => options.told(peer, "endpoint"),
      },
      now: performance.now(),
      uptime: system().uptime?.(),
      random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
      wallTime: () => {
        const now = Date.now();
        return { seconds: Math.floor(now / 1000), nanoseconds: (now % 1000) * 1_000_000 };
      },
    });
  }

  /** Packets that found no room in the Tun, on the way in or out, or in the Bind's sockets; as they say, who may be anybody's code. */
  drops(part: "tun" | "bind"): bigint {
    const refused = part === "tun" ? this.#tunDrops : 0n;
    try {
      return refused + dropsOf(this.#options[part]);
    } catch (cause) {
      this.#options.failed(part, cause);
      return refused;
    }
  }

  /** The last datagram that could not be sent. */
  get sendFailure(): SendFailure | undefined {
    return this.#sendFailure;
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Bind and Tun are open and may be used from now on. */
  start(): void {
    this.#open = true;
    this.#run((now) => this.engine.bringUp(now));
    this.#tell(() => this.#options.tun.sessionsChanged?.());
  }

  /** Change the configuration; what that makes possible is sent at once. */
  configure<T>(change: () => T): T {
    return this.#run((now) => {
      this.engine.tell(now);
      return change();
    });
  }

  /** Wipe all keys; nothing is sent or delivered any more. Bind and Tun are the caller's to close. */
  close(): void {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#timerAt = NEVER;
    this.#outgoing.clear();
    this.#outside?.received.take();
    this.engine.close();
  }

  /** Let the engine work, then hand out what it made. */
  #run<T>(work: (now: number) => T): T {
    const now = performance.now();
    this.#now = now;
    try {
      const result = work(now);
      this.#flushLane();
      return result;
    } finally {
      if (this.#open) {
        this.#outgoing.handOut();
        this.#schedule(this.engine.nextDeadline());
      }
    }
  }

  #flushLane(): void {
    this.#waitingBytes = 0;
    this.#lane.flush();
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────

  readonly bindEvents: BindEvents;
  readonly #bindEvents: BindEvents = {
    receive: (datagram, from) => {
      const length = requireBytes("datagram", datagram);
      this.#receive(datagram, length, length, from);
    },
    receiveTrain: (train, segment, from) => {
      const length = requireBytes("train", train);
      requireSegment(segment, length);
      this.#receive(train, length, segment, from);
    },
    lost: (cause) => {
      this.#sendFailure = { at: performance.now(), cause };
      this.#drop(DROP_SEND);
    },
    failed: (cause) => this.#options.failed("bind", cause),
    gone: (cause) => this.#options.socket("lost", cause),
    back: () => this.#options.socket("found", undefined),
    full: () => {
      if (this.#outside !== undefined) this.#outside.hasRoom = false;
      this.#tell(() => this.#options.tun.pause?.());
    },
    drained: () => {
      if (this.#outside !== undefined) this.#outside.hasRoom = true;
      this.#tell(() => this.#options.tun.resume?.());
    },
    readable: (family) => {
      if (this.#open) this.#takeIn(family);
    },
  };

  /** @param segment of each datagram but the last */
  #receive(bytes: Uint8Array, length: number, segment: number, from: Endpoint): void {
    if (!this.#open) return;
    if (length === 0) return this.#drop(DROP_SHORT);
    const count = Math.ceil(length / segment);
    if (length > MESSAGE_BYTES_MAX) return this.#drop(DROP_TYPE, count);
    // RFC 768: a sender that expects no answer. It may be made up, and nothing can be sent there.
    if (from?.port === 0) return this.#drop(DROP_MALFORMED, count);
    // A DirectBind has none.
    const { received } = this.#outside!;
    if (!received.add(bytes, length, segment, from)) {
      this.#takeReceived();
      received.add(bytes, length, segment, from);
    }
    this.#takeTurnSoon();
  }

  /** Count packets that went nowhere. @param reason DROP_… */
  #drop(reason: number, count = 1): void {
    this.#options.core.countDrops(reason, count);
  }

  /** Have the Tun pause or go on; it may be anybody's code. */
  #tell(step: () => unknown): void {
    if (!this.#open) return;
    try {
      settle(step(), 0, this.#toTun);
    } catch (cause) {
      this.#toTun.failed(0, cause);
    }
  }

  readonly tunEvents: TunEvents = {
    receive: (packet) => {
      const length = requireBytes("packet", packet);
      if (!this.#open) return;
      if (length > PACKET_BYTES_MAX) return this.#drop(DROP_MALFORMED);
      const { at, bytes } = this.#options.core;
      bytes.fill(0, at.tunBuffer, at.tunBuffer + VNET_BYTES);
      bytes.set(packet, at.tunBuffer + VNET_BYTES);
      this.#carry(at.tunBuffer, length + VNET_BYTES);
    },
    failed: (cause) => this.#options.failed("tun", cause),
    callsNobody: true,
    hasRoom: () => this.#hasRoom(),
    place: () => this.#place(),
  };

  #place(): SuperpacketPlace {
    const { core } = this.#options;
    const { tunBuffer: at } = core.at;
    return {
      bytes: core.bytes,
      at,
      send: (length) => {
        if (this.#open) this.#carry(at, length);
      },
      ready: (address) => this.#open && this.#wouldSend(address),
    };
  }

  /** Asked in the middle of packets that come in a row: only a handshake that begins is a reason to send, and then with them. */
  #wouldSend(address: Uint8Array): boolean {
    const ready = this.engine.wouldSend(address, performance.now());
    if (!ready) this.#flushSoon();
    return ready;
  }

  /** Packets that come in a row leave together, in trains: when the code that handed them over is done. */
  #carry(at: Address, length: number): void {
    this.#flushSoon();
    this.#lane.send(at, length, this.#now);
    this.#waitingBytes += length;
    // A Bind may be anybody's code, and waits until the Tun is done.
    if (this.running === "ffi" && this.#waitingBytes >= FLUSH_BYTES) this.#flushLane();
  }

  #flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.#now = performance.now();
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushDue = false;
    if (this.#open) this.#run(() => {});
  };

  #takeReceived(): void {
    // The queue holds both families.
    if (this.#outside !== undefined && this.#outside.received.length > 0) this.#takeIn(4);
  }

  #takeIn(family: 4 | 6): void {
    this.#run((now) => {
      this.#lane.inbound(family, now, RX_SLOTS);
      this.engine.advance(now);
    });
    this.#tell(() => this.#options.tun.sessionsChanged?.());
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  #takeTurnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    soon(this.#turn);
  }

  readonly #turn = (): void => {
    this.#turnDue = false;
    if (!this.#open) return;
    this.#takeReceived();
    if (this.#open && this.engine.nextDeadline() <= performance.now()) this.#advance();
  };

  #advance(): void {
    this.#run((now) => this.engine.advance(now));
  }

  /** A timer that is due earlier than needed stays: to look too often is harmless. */
  #schedule(at: number): void {
    const delay = at - performance.now();
    if (delay <= 0) return this.#takeTurnSoon();
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#timeout, Math.min(Math.ceil(delay), TIMER_MS_MAX));
    this.keep(this.#refs);
  }

  /** Whether the timer keeps the process alive. */
  keep(refs: "ref" | "unref"): void {
    this.#refs = refs;
    keepAlive(this.#timer, refs);
  }

  readonly #timeout = (): void => {
    this.#timerAt = NEVER;
    if (this.#open) this.#advance();
  };

  // ── out ────────────────────────────────────────────────────────────────────────────────────────────────────

  #send(train: Uint8Array, segment: number, to: Endpoint): void {
    const bind = this.#options.bind as Bind;
    if (train.length <= segment) return this.#attempt(1, () => bind.send(train, to));
    if (bind.sendTrain !== undefined) {
      return this.#attempt(Math.ceil(train.length / segment), () => bind.sendTrain!(train, segment, to));
    }
    // A bind that fails may have closed this driver.
    for (let at = 0; at < train.length && this.#open; at += segment) {
      this.#attempt(1, () => bind.send(train.subarray(at, at + segment), to));
    }
  }

  /** @param count datagrams that are dropped when it fails */
  #attempt(count: number, send: () => boolean): void {
    try {
      const sent = send();
      if (sent !== true) settle(sent, count, this.#toBind);
    } catch (cause) {
      this.#toBind.failed(count, cause);
    }
  }

  #write(packet: Uint8Array<ArrayBuffer>): void {
    try {
      const { tun } = this.#options;
      const taken = tun.give === undefined ? tun.write(packet) : tun.give(packet);
      if (taken !== true) settle(taken, 1, this.#toTun);
    } catch (cause) {
      this.#toTun.failed(1, cause);
    }
  }

  readonly #toBind: Outcome = {
    refused: (count) => this.#unsent(count, undefined),
    failed: (count, cause) => {
      this.#options.failed("bind", cause);
      this.#unsent(count, cause);
    },
  };

  #unsent(count: number, cause: unknown): void {
    this.#sendFailure = { at: performance.now(), cause };
    this.#drop(DROP_SEND, count);
  }

  readonly #toTun: Outcome = {
    refused: (count) => {
      this.#tunDrops += BigInt(count);
    },
    failed: (count, cause) => {
      this.#tunDrops += BigInt(count);
      this.#options.failed("tun", cause);
    },
  };
}
