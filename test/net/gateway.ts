/**
 * A machine of the tests whose network stack is the inside of a tunnel: stack and engine on the virtual clock, superpackets both ways,
 * as host/library/stack-tun.ts joins them. What leaves is a datagram for an endpoint.
 */
import { RX_SLOTS, TRAIN_DATAGRAMS_MAX } from "../../host/core/codes.ts";
import type { Core, Endpoint } from "../../host/core/core.ts";
import { copyWrite } from "../../host/core/records/write.ts";
import { Engine } from "../../host/engine/engine.ts";
import { Lane } from "../../host/lane/lane.ts";
import type { Inside } from "../../host/lane/ports.ts";
import { IpAddress } from "../../host/net/address.ts";
import type { PacketSink } from "../../host/net/sink.ts";
import { NetStack } from "../../host/net/stack.ts";
import type { Cores } from "../simulation/cores.ts";
import type { Random } from "../simulation/random.ts";
import { TestOutside } from "../support/ports.ts";
import type { VirtualClock } from "./clock.ts";

const EPOCH = 1_700_000_000;

export interface GatewayOptions {
  readonly address4: string;
  readonly address6: string;
  readonly endpoint: Endpoint;
  readonly mtu: number;
  /** A datagram goes out; the array is the receiver's own. */
  send(from: Endpoint, to: Endpoint, datagram: Uint8Array): void;
}

export class Gateway implements PacketSink {
  readonly stack: NetStack;
  readonly addresses: { readonly 4: string; readonly 6: string };
  readonly publicKey: Uint8Array;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  endpoint: Endpoint;
  /** As when the outside is congested: there is no room. */
  full = false;
  #refused = false;
  #unready = false;
  readonly #clock: VirtualClock;
  readonly #cores: Cores;
  readonly #core: Core;
  readonly #engine: Engine;
  readonly #lane: Lane;
  readonly #outside: TestOutside;
  /** For the stack, once the engine is at rest. */
  #delivered: Uint8Array[] = [];
  /** On the clock of all. */
  #planned = Number.POSITIVE_INFINITY;
  #closed = false;
  /** When it fell asleep; undefined while it is awake. */
  #asleepSince: number | undefined;
  /** What its own clock has missed in sleep. */
  #missed = 0;

  constructor(clock: VirtualClock, random: Random, cores: Cores, options: GatewayOptions) {
    this.#clock = clock;
    this.#cores = cores;
    this.#core = cores.take();
    const core = this.#core;
    this.bytes = core.bytes;
    this.view = new DataView(core.bytes.buffer, core.bytes.byteOffset, core.bytes.byteLength);
    this.endpoint = options.endpoint;
    this.addresses = { 4: options.address4, 6: options.address6 };
    const inside: Inside = {
      read: () => 0,
      write: (count) => {
        for (let i = 0; i < count; i++) this.#delivered.push(copyWrite(core.views, core.write(i)));
      },
      inject: (at, length) => this.#delivered.push(core.bytes.slice(at, at + length)),
    };
    this.#outside = new TestOutside(core, (bytes, to) => options.send(this.endpoint, to, bytes));
    this.#lane = new Lane(core, inside, this.#outside);
    this.#engine = new Engine({
      lane: this.#lane,
      now: this.#now,
      random: (into) => random.fill(into),
      uptime: () => clock.now,
      wallTime: () => ({
        seconds: EPOCH + Math.floor(clock.now / 1000),
        nanoseconds: Math.floor(clock.now % 1000) * 1_000_000,
      }),
    });
    core.exports.setBase(0n);
    core.exports.setMtu(options.mtu);
    core.exports.setTun(1, 1, 1);
    core.exports.setTrainLength(TRAIN_DATAGRAMS_MAX);
    this.publicKey = this.#makeKey(random);
    this.stack = new NetStack({
      sink: this,
      addresses: [options.address4, options.address6].map((text) => IpAddress.parse(text)!),
      mtu: options.mtu,
      random: (into) => random.fill(into),
      wake: () => this.#plan(clock.now),
      now: this.#now,
    });
  }

  #makeKey(random: Random): Uint8Array {
    const core = this.#core;
    core.bytes.set(random.bytes(32), core.at.secretExchange);
    this.#engine.tell(this.#now);
    this.#engine.setPrivateKey(core.at.secretExchange);
    core.wipe(core.at.secretExchange, 32);
    const own = this.#engine.publicKey()!;
    return Uint8Array.from(core.bytes.subarray(own, own + 32));
  }

  /** Have another as a peer; an endpoint that is not known has to be learnt. */
  addPeer(other: Gateway, keepaliveSeconds: number, knows: "endpoint" | "nothing"): void {
    const core = this.#core;
    this.#engine.tell(this.#now);
    core.bytes.set(other.publicKey, core.at.exchange);
    const peer = this.#engine.createPeer(core.at.exchange)!;
    if (knows === "endpoint") peer.setEndpoint(other.endpoint);
    peer.setPersistentKeepalive(keepaliveSeconds);
    peer.addAllowedIp(IpAddress.parse(other.addresses[4])!.toBytes(), 32);
    peer.addAllowedIp(IpAddress.parse(other.addresses[6])!.toBytes(), 128);
    peer.commit();
    this.#after();
  }

  start(): void {
    this.#engine.bringUp(this.#now);
    this.#after();
  }

  /** A datagram arrives. */
  receive(bytes: Uint8Array, from: Endpoint): void {
    if (this.#closed || this.#asleepSince !== undefined) return;
    this.#outside.waiting.push({ bytes, from });
    this.#plan(this.#clock.now);
  }

  /** Nothing runs, and what arrives is lost, until it wakes. */
  sleep(): void {
    this.#asleepSince = this.#clock.now;
  }

  /** @param ownClock whether it counted the sleep: Linux's does not, those of other systems do, and that of a process that was stopped */
  awake(ownClock: "stood still" | "went on"): void {
    if (ownClock === "stood still") this.#missed += this.#clock.now - this.#asleepSince!;
    this.#asleepSince = undefined;
    this.#planned = Number.POSITIVE_INFINITY;
    this.#plan(this.#clock.now);
  }

  /** There is room again, or none any more. */
  congested(full: boolean): void {
    this.full = full;
    if (full || this.#closed || !this.#refused) return;
    this.#refused = false;
    this.stack.room();
  }

  // ── the stack's side ───────────────────────────────────────────────────────────────────────────────────────

  reserve(): number {
    this.#refused ||= this.full;
    return this.full ? -1 : this.#core.at.tunBuffer;
  }

  commit(at: number, length: number): void {
    this.#lane.send(at, length, this.#now);
  }

  ready(destination: IpAddress): boolean {
    const ready = this.#engine.wouldSend(destination.toBytes(), this.#now);
    if (!ready) this.#unready = true;
    return ready;
  }

  // ── time ───────────────────────────────────────────────────────────────────────────────────────────────────

  get #now(): number {
    return this.#clock.now - this.#missed;
  }

  /** @param at on the clock of all */
  #plan(at: number): void {
    if (at >= this.#planned || this.#closed || this.#asleepSince !== undefined) return;
    this.#planned = at;
    this.#clock.at(at, () => this.#turn(at));
  }

  #turn(planned: number): void {
    if (planned !== this.#planned || this.#closed || this.#asleepSince !== undefined) return; // planned for earlier since
    this.#planned = Number.POSITIVE_INFINITY;
    const now = this.#now;
    const arrived = this.#outside.waiting.length > 0;
    while (this.#outside.waiting.length > 0) this.#lane.inbound(4, now, RX_SLOTS);
    this.#engine.advance(now);
    if (arrived && this.#unready) {
      this.#unready = false;
      this.stack.ready();
    }
    this.stack.turn(now);
    this.#after();
  }

  /** What the engine has for the stack, and when either wants to be called again. */
  #after(): void {
    this.#lane.flush();
    const delivered = this.#delivered;
    this.#delivered = [];
    for (const packet of delivered) this.stack.receive(packet, 0, packet.length, this.#now, "given");
    this.#lane.flush();
    const next = Math.min(this.#engine.nextDeadline(), this.stack.nextDeadline());
    // A little late rather than early by what adding and subtracting rounds off.
    const rounding = this.#missed === 0 ? 0 : 0.001;
    this.#plan(Math.max(this.#clock.now, next + this.#missed + rounding));
  }

  /** The core goes back, and must not hold a secret. */
  close(): void {
    this.#closed = true;
    this.stack.close();
    this.#engine.close();
    this.#cores.giveBack(this.#core);
  }
}
