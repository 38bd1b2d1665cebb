/**
 * The event driver: one engine on the runtime's own event loop, between any Bind and any Tun. It copies bytes into and
 * out of linear memory. Code that is not ours (Bind, Tun, listeners) runs only while the engine rests, so it may call
 * back at once: what the engine wants sent and delivered is collected and handed out when the engine has finished.
 */
import * as abi from "../../../assembly/abi.ts";
import type { Address, Core, Endpoint } from "../../core/core.ts";
import { Engine, type EngineSink } from "../../device/engine.ts";
import { NEVER } from "../../device/instant.ts";
import type { Peer } from "../../device/peer.ts";
import type { PeerEvent } from "../../device/peer-event.ts";
import type { Bind, BindEvents } from "./bind.ts";
import { byteLength, requireBytes } from "./bytes.ts";
import { EndpointCache } from "./endpoint-cache.ts";
import { OptionError } from "./errors.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import type { Tun, TunEvents } from "./tun.ts";
import { systemUptime } from "./uptime.ts";

const PACKET_BYTES_MAX = abi.MESSAGE_BYTES_MAX - abi.VNET_BYTES;
/** Longest delay that the timers of every runtime take. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** After the I/O of this turn of the event loop. */
const soon: (task: () => void) => void =
  typeof setImmediate === "function" ? (task) => void setImmediate(task) : (task) => void setTimeout(task, 0);

export interface EventDriverOptions {
  readonly core: Core;
  readonly tun: Tun;
  readonly bind: Bind;
  /** Told while the engine is at work: take note only. */
  told(peer: Peer, event: PeerEvent | "endpoint"): void;
  failed(part: "tun" | "bind", cause: unknown): void;
  /** The Bind lost what it listens on, or has it again. */
  socket(state: "lost" | "found", cause: unknown): void;
}

/** A datagram that could not be sent, lately. */
export interface SendFailure {
  readonly at: number;
  readonly cause: unknown;
}

interface Outgoing {
  readonly bytes: Uint8Array;
  /** Undefined: a packet for the host. */
  readonly to: Endpoint | undefined;
}

export class EventDriver implements EngineSink {
  readonly engine: Engine;
  readonly #options: EventDriverOptions;
  readonly #received: ReceiveQueue;
  readonly #destinations: EndpointCache;
  /** In order; one engine call adds no more than the core's lists hold and the staged queues held. */
  #outgoing: Outgoing[] = [];
  #handingOut = false;
  #open = false;
  #turnDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = NEVER;
  #refs: "ref" | "unref" = "ref";
  #tunDrops = 0n;
  #sendFailure: SendFailure | undefined;

  constructor(options: EventDriverOptions) {
    const { core } = options;
    this.#options = options;
    this.#received = new ReceiveQueue(core);
    this.#destinations = new EndpointCache(core);
    core.exports.setBase(0n);
    core.exports.setTun(0, 0, 0);
    core.exports.setTrainLength(1);
    this.engine = new Engine({
      core,
      sink: this,
      now: performance.now(),
      uptime: systemUptime(),
      random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
      wallTime: () => {
        const now = Date.now();
        return { seconds: Math.floor(now / 1000), nanoseconds: (now % 1000) * 1_000_000 };
      },
    });
  }

  /** Packets for the host that the Tun did not take. */
  get tunDrops(): bigint {
    return this.#tunDrops;
  }

  /** The last datagram that could not be sent. */
  get sendFailure(): SendFailure | undefined {
    return this.#sendFailure;
  }

  told(peer: Peer, event: PeerEvent): void {
    this.#options.told(peer, event);
  }

  pathLearnt(peer: Peer): void {
    this.#options.told(peer, "endpoint");
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Bind and Tun are open and may be used from now on. */
  start(): void {
    this.#open = true;
    this.#run((now) => this.engine.setUp(true, now));
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
    this.#outgoing = [];
    this.#received.take();
    this.engine.close();
  }

  /** Let the engine work, then hand out what it made. */
  #run<T>(work: (now: number) => T): T {
    const now = performance.now();
    try {
      const result = work(now);
      this.engine.flush();
      return result;
    } finally {
      if (this.#open) {
        this.#handOut();
        this.#schedule(this.engine.nextDeadline());
      }
    }
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────

  readonly bindEvents: BindEvents = {
    receive: (datagram, from) => {
      const length = requireBytes("datagram", datagram);
      requireEndpoint(from);
      if (!this.#open) return;
      if (length === 0) return this.engine.countDrops(abi.DROP_SHORT, 1);
      if (length > abi.MESSAGE_BYTES_MAX) return this.engine.countDrops(abi.DROP_TYPE, 1);
      // RFC 768: a sender that expects no answer. It may be made up, and nothing can be sent there.
      if (from.port === 0) return this.engine.countDrops(abi.DROP_MALFORMED, 1);
      if (!this.#received.add(datagram, length, from)) {
        this.#takeReceived();
        this.#received.add(datagram, length, from);
      }
      this.#takeTurnSoon();
    },
    lost: (cause) => {
      this.#sendFailure = { at: performance.now(), cause };
      this.engine.countDrops(abi.DROP_SEND, 1);
    },
    failed: (cause) => this.#options.failed("bind", cause),
    gone: (cause) => this.#options.socket("lost", cause),
    back: () => this.#options.socket("found", undefined),
    full: () => this.#tell(() => this.#options.tun.pause?.()),
    drained: () => this.#tell(() => this.#options.tun.resume?.()),
  };

  /** Have the Tun pause or go on; it may be anybody's code. */
  #tell(step: () => void): void {
    if (!this.#open) return;
    try {
      step();
    } catch (cause) {
      this.#options.failed("tun", cause);
    }
  }

  readonly tunEvents: TunEvents = {
    receive: (packet) => {
      const length = requireBytes("packet", packet);
      if (!this.#open) return;
      if (length > PACKET_BYTES_MAX) return this.engine.countDrops(abi.DROP_MALFORMED, 1);
      this.#run((now) => {
        const { at, bytes } = this.#options.core;
        bytes.fill(0, at.tunBuffer, at.tunBuffer + abi.VNET_BYTES);
        bytes.set(packet, at.tunBuffer + abi.VNET_BYTES);
        this.engine.sendPacket(at.tunBuffer, length + abi.VNET_BYTES, now);
      });
    },
    failed: (cause) => this.#options.failed("tun", cause),
  };

  #takeReceived(): void {
    const count = this.#received.take();
    if (count === 0) return;
    this.#run((now) => {
      this.engine.receive(count, now);
      this.engine.advance(now);
    });
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

  /** Whether the timer keeps the process alive. Browsers' timers are numbers, and keep nothing. */
  keep(refs: "ref" | "unref"): void {
    this.#refs = refs;
    if (typeof this.#timer === "object") this.#timer[refs]();
  }

  readonly #timeout = (): void => {
    this.#timerAt = NEVER;
    if (this.#open) this.#advance();
  };

  // ── out ────────────────────────────────────────────────────────────────────────────────────────────────────

  transmit(count: number): void {
    const { core } = this.#options;
    for (let i = 0; i < count; i++) {
      const descriptor = core.at.txDescriptors + abi.TX_BYTES * i;
      const start = core.u32(descriptor + abi.TX_OFFSET);
      const bytes = core.bytes.slice(start, start + core.u32(descriptor + abi.TX_LENGTH));
      this.#outgoing.push({ bytes, to: this.#destinations.destination(descriptor) });
      this.engine.sent(i);
    }
  }

  deliver(count: number): void {
    const { core } = this.#options;
    for (let i = 0; i < count; i++) {
      const write = core.at.writes + abi.WRITE_BYTES * i;
      const first = core.u32(write + abi.WRITE_GATHER);
      const entries = core.u32(write + abi.WRITE_COUNT);
      const bytes =
        entries === 1 ? this.#piece(first) : this.#gather(first, entries, core.u32(write + abi.WRITE_LENGTH));
      this.#outgoing.push({ bytes, to: undefined });
    }
  }

  inject(address: Address, length: number): void {
    const bytes = this.#options.core.bytes.slice(address + abi.VNET_BYTES, address + length);
    this.#outgoing.push({ bytes, to: undefined });
  }

  /** A copy of what one gather entry names; the base is 0, so addresses are offsets. */
  #piece(entry: Address): Uint8Array {
    const { core } = this.#options;
    const at = core.u32(entry + abi.GATHER_ADDRESS);
    return core.bytes.slice(at, at + core.u32(entry + abi.GATHER_LENGTH));
  }

  #gather(first: Address, entries: number, length: number): Uint8Array {
    const packet = new Uint8Array(length);
    for (let i = 0, filled = 0; i < entries; i++) {
      const piece = this.#piece(first + abi.GATHER_BYTES * i);
      packet.set(piece, filled);
      filled += piece.length;
    }
    return packet;
  }

  /** The outermost call hands out everything, in order, also what comes to it meanwhile. */
  #handOut(): void {
    if (this.#handingOut) return;
    this.#handingOut = true;
    for (let i = 0; i < this.#outgoing.length; i++) {
      const { bytes, to } = this.#outgoing[i]!;
      if (to === undefined) this.#write(bytes);
      else this.#send(bytes, to);
    }
    this.#outgoing = [];
    this.#handingOut = false;
  }

  #send(datagram: Uint8Array, to: Endpoint): void {
    try {
      if (this.#options.bind.send(datagram, to)) return;
      this.#sendFailure = { at: performance.now(), cause: undefined };
    } catch (cause) {
      this.#sendFailure = { at: performance.now(), cause };
      this.#options.failed("bind", cause);
    }
    this.engine.countDrops(abi.DROP_SEND, 1);
  }

  #write(packet: Uint8Array): void {
    try {
      if (this.#options.tun.write(packet)) return;
    } catch (error) {
      this.#options.failed("tun", error);
    }
    this.#tunDrops += 1n;
  }
}

/** A Bind may be anybody's code, and an address is written into linear memory as it is. @throws OptionError */
function requireEndpoint(from: Endpoint): void {
  const known = typeof from === "object" && from !== null;
  const length = known ? byteLength(from.address) : -1;
  if (length !== 4 && length !== 16) throw new OptionError("address of the sender", "a Uint8Array of 4 or 16 bytes");
  if (!isWhole(from.port, 0xffff)) throw new OptionError("port of the sender", "a whole number from 0 to 65535");
  if (!isWhole(from.scope, 0xffffffff)) throw new OptionError("scope of the sender", "an interface index, or 0");
}

function isWhole(value: unknown, maximum: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maximum;
}
