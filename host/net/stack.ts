/**
 * A TCP/IP stack behind a tunnel, sans-I/O: bytes, time and random bytes in; packets and calls of handlers out. It opens no socket,
 * reads no clock and starts no timer.
 *
 *   whoever drives it          receive(packet)* … turn(now)        room()  ready()
 *                                  │               │ ▲
 *   stack.ts                   ip/input.ts         │ │ handlers of the user, at the end of a turn
 *                                  │ Inbound       ▼ │
 *   transports (tcp, udp, icmp) ── receive ──── turn, tell ──── IpOutput.reserve/commit ──── PacketSink
 *
 * `receive` only takes packets in: what has to be answered, acknowledged or told is noted. `turn` then fires timers that are due, has
 * every transport send, and calls the users' handlers, in this order; so a batch of packets is answered by few packets, and a
 * handler finds the stack at rest and may call anything. Calls of users note work as well and have `wake` called, once until the
 * next turn; the driver then takes a turn soon (in a microtask, say). When nothing is noted, `nextDeadline` says when to come again.
 */
import { type Instant, NEVER } from "../time/instant.ts";
import { TimerQueue } from "../time/timer-queue.ts";
import type { IpAddress } from "./address.ts";
import { MemoryBudget } from "./budget.ts";
import { NetCounters } from "./counters.ts";
import { Icmp } from "./icmp/icmp.ts";
import { Inbound, type Ownership } from "./inbound.ts";
import { Addresses } from "./ip/addresses.ts";
import { IpInput } from "./ip/input.ts";
import { Loopback } from "./ip/loopback.ts";
import { SinkOutput } from "./ip/output.ts";
import { PathMtu } from "./ip/path-mtu.ts";
import { ICMP, ICMPV6, TCP, UDP } from "./ip/protocols.ts";
import { RandomSource } from "./random.ts";
import type { PacketSink } from "./sink.ts";
import { Tcp } from "./tcp/tcp.ts";
import { Telling } from "./telling.ts";
import type { Context, IpOutput, Timer, Transport } from "./transport.ts";
import { Udp } from "./udp/udp.ts";
import { CHECKSUM_VALID, GSO_NONE, NEEDS_CHECKSUM, VNET_BYTES, vnetFlags, vnetGsoType, vnetSegment } from "./vnet.ts";

/** What all connections, sockets and fragments of one network may hold together. */
const BUDGET_BYTES = 256 << 20;

export interface NetStackOptions {
  readonly sink: PacketSink;
  /** Ours. Packets for others are dropped. */
  readonly addresses: readonly IpAddress[];
  /** Largest packet of the interface, in bytes. */
  readonly mtu: number;
  /** Fill with bytes from a cryptographic source. */
  random(into: Uint8Array): void;
  /** Take a turn soon. Called once until the next turn begins. */
  wake?(): void;
  readonly budgetBytes?: number | undefined;
  readonly now: Instant;
}

export class NetStack implements Context {
  readonly timers = new TimerQueue<Timer>();
  readonly counters = new NetCounters();
  readonly random: RandomSource;
  readonly budget: MemoryBudget;
  readonly ip: IpOutput;
  readonly mtu: number;
  readonly tcp: Tcp;
  readonly icmp: Icmp;
  readonly udp: Udp;
  readonly #addresses: Addresses;
  readonly #input: IpInput;
  readonly #inbound = new Inbound();
  readonly #loopback = new Loopback(() => this.wake());
  readonly #byProtocol: (Transport | undefined)[] = new Array(256).fill(undefined);
  readonly #transports: Transport[] = [];
  /** Kept, for `tell` is asked after each batch of packets. */
  readonly #telling = new Telling();
  readonly #wake: (() => void) | undefined;
  #now: Instant;
  #pending = false;
  #closed = false;

  constructor(options: NetStackOptions) {
    this.#now = options.now;
    this.#wake = options.wake;
    this.mtu = options.mtu;
    this.random = new RandomSource((into) => options.random(into));
    this.budget = new MemoryBudget(options.budgetBytes ?? BUDGET_BYTES);
    this.#addresses = new Addresses(options.addresses);
    const pathMtu = new PathMtu(options.mtu, this);
    const sinks = { tunnel: options.sink, loopback: this.#loopback };
    this.ip = new SinkOutput(sinks, this.#addresses, pathMtu, this.counters, this.random);
    this.icmp = new Icmp(this, (protocol) => this.#byProtocol[protocol]);
    this.tcp = new Tcp(this);
    this.udp = new Udp(this, this.icmp.errors);
    this.#input = new IpInput(this, this.#addresses, this.icmp.errors);
    this.register(this.tcp, TCP);
    this.register(this.udp, UDP);
    this.register(this.icmp, ICMP, ICMPV6);
  }

  get now(): Instant {
    return this.#now;
  }

  /** Have a transport receive packets of these protocols. */
  register(transport: Transport, ...protocols: number[]): void {
    this.#transports.push(transport);
    for (const protocol of protocols) this.#byProtocol[protocol] = transport;
  }

  wake(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#wake?.();
  }

  /**
   * A packet came. What is wrong with it is counted. A turn has to follow, once after a batch.
   * @param bytes     holds it at `at`: vnet header and packet, `length` bytes in all
   * @param ownership "given" when the array is never written again: payload is then kept where it is
   */
  receive(bytes: Uint8Array, at: number, length: number, now: Instant, ownership: Ownership): void {
    if (this.#closed) return;
    this.#now = now;
    this.#pending = true;
    this.#inbound.origin = "tunnel";
    this.#take(bytes, at, length, ownership);
  }

  #take(bytes: Uint8Array, at: number, length: number, ownership: Ownership): void {
    const packet = this.#inbound;
    if (packet.bytes !== bytes) {
      // A plain view, for `slice` of Node's Buffer does not copy.
      packet.bytes =
        bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      packet.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.counters.add("packetsIn");
    if (length < VNET_BYTES) return this.counters.add("ipTruncated");
    this.counters.add("bytesIn", length - VNET_BYTES);
    const { view } = packet;
    packet.ownership = ownership;
    packet.packet = at + VNET_BYTES;
    packet.end = at + length;
    packet.checksumKnown = (vnetFlags(view, at) & (NEEDS_CHECKSUM | CHECKSUM_VALID)) !== 0;
    packet.segment = vnetGsoType(view, at) === GSO_NONE ? 0 : vnetSegment(view, at);
    if (!this.#input.read(packet)) return;
    const transport = this.#byProtocol[packet.protocol];
    if (transport !== undefined) return transport.receive(packet);
    this.counters.add("ipProtocol");
    this.icmp.errors.protocolUnreachable(packet);
  }

  /** The sink has room again. */
  room(): void {
    for (const transport of this.#transports) transport.room();
    this.wake();
  }

  /** A handshake was done: see PacketSink.ready. */
  ready(): void {
    for (const transport of this.#transports) transport.ready();
    this.wake();
  }

  /** Fire what is due, send what waits, tell who listens. Harmless when early or repeated; must not be called by handlers. */
  turn(now: Instant): void {
    this.#now = now;
    this.#pending = false;
    // Whoever asks a closed stack for something is told so.
    if (this.#closed) return this.tell();
    for (let due = this.timers.pop(now); due !== undefined; due = this.timers.pop(now)) due.wake(now);
    this.#takeLooped();
    for (const transport of this.#transports) transport.turn();
    this.tell();
  }

  /** Tell who listens of what came, before the turn that has to follow: what handlers write then goes along with what acknowledges it. */
  tell(): void {
    for (const transport of this.#transports) this.#telling.call(transport.tell, transport);
    this.#telling.end();
  }

  #takeLooped(): void {
    const packets = this.#loopback.take();
    if (packets.length === 0) return;
    this.#inbound.origin = "loopback";
    for (const packet of packets) this.#take(packet, 0, packet.length, "given");
  }

  /** When to call `turn`; NEVER while nothing is pending. */
  nextDeadline(): Instant {
    if (this.#closed) return NEVER;
    return this.#pending ? this.#now : this.timers.next;
  }

  /** Forget everything; nothing is sent any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const telling = new Telling();
    for (const transport of this.#transports) telling.call(transport.close, transport);
    this.#input.reassembly.close();
    telling.end();
  }
}
