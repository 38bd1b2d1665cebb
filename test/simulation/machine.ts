/**
 * A simulated machine: one engine, an identity that outlives it, a place in the network, and two clocks. The engine's
 * own clock stands still while the machine sleeps; the wall clock does not.
 */
import { RX_SLOTS, TRAIN_DATAGRAMS_MAX } from "../../host/core/codes.ts";
import type { Core, Endpoint } from "../../host/core/core.ts";
import { Engine } from "../../host/engine/engine.ts";
import type { Peer } from "../../host/engine/peer.ts";
import { Lane } from "../../host/lane/lane.ts";
import { type Arrival, TestInside, TestOutside } from "../support/ports.ts";
import type { Cores } from "./cores.ts";
import { innerAddress } from "./packet.ts";
import type { Random } from "./random.ts";

const EPOCH = 1_700_000_000;

/** What a machine tells the world, as it happens. */
export interface MachineEvents {
  sent(from: Machine, to: Endpoint, bytes: Uint8Array, peer: Peer | undefined): void;
  delivered(machine: Machine, packet: Uint8Array): void;
}

export interface PeerSettings {
  readonly endpoint: Endpoint | undefined;
  readonly presharedKey: Uint8Array;
  readonly keepalive: number;
}

export class Machine {
  readonly index: number;
  readonly #cores: Cores;
  readonly #random: Random;
  readonly #events: MachineEvents;
  #core: Core;
  #engine: Engine;
  #lane!: Lane;
  #inside!: TestInside;
  #outside!: TestOutside;
  privateKey: Uint8Array;
  publicKey = new Uint8Array(32);
  address: Endpoint;
  /** Peers of the present engine by the machine they stand for. */
  readonly peers = new Map<number, Peer>();
  /** Grows with each start of an engine. */
  incarnation = 0;
  /** Grows whenever the engine may start a handshake although the last was a moment ago. */
  epoch = 0;
  asleep = false;
  #trueTime = 0;
  #slept = 0;
  messageLimit = 1n << 60n;

  constructor(index: number, cores: Cores, random: Random, events: MachineEvents, address: Endpoint) {
    this.index = index;
    this.#cores = cores;
    this.#random = random;
    this.#events = events;
    this.address = address;
    this.privateKey = random.bytes(32);
    this.#core = cores.take();
    this.#engine = this.#boot();
  }

  #boot(): Engine {
    this.incarnation += 1;
    this.epoch += 1;
    const core = this.#core;
    // What the engine says to its own host is nothing that a peer sent.
    this.#inside = new TestInside(
      core,
      (packet) => this.#events.delivered(this, packet),
      () => {},
    );
    this.#outside = new TestOutside(core, (bytes, to, _tos, slot) => {
      const peer = slot < core.maxPeers ? this.#engine.peerAt(slot) : undefined;
      this.#events.sent(this, to, bytes, peer);
    });
    this.#lane = new Lane(core, this.#inside, this.#outside);
    const engine = new Engine({
      lane: this.#lane,
      now: this.now,
      random: (into) => this.#random.fill(into),
      uptime: () => this.#trueTime,
      wallTime: () => ({
        seconds: EPOCH + Math.floor(this.#trueTime / 1000),
        nanoseconds: Math.floor(this.#trueTime % 1000) * 1_000_000,
      }),
    });
    core.exports.setMtu(1420);
    core.exports.setTrainLength(TRAIN_DATAGRAMS_MAX);
    core.exports.setRekeyLimits(120_000, this.messageLimit);
    return engine;
  }

  get engine(): Engine {
    return this.#engine;
  }

  /** The engine's clock. */
  get now(): number {
    return 5_000 + this.#trueTime - this.#slept;
  }

  /** When, in true time, the engine wants to be called. */
  get deadline(): number {
    if (this.asleep) return Number.POSITIVE_INFINITY;
    return Math.max(this.#trueTime, this.#engine.nextDeadline() + this.#slept - 5_000);
  }

  /** True time goes on, whether this machine notices or not. */
  setTime(time: number): void {
    if (this.asleep) this.#slept += time - this.#trueTime;
    this.#trueTime = time;
  }

  // ── the network and the host behind it ─────────────────────────────────────────────────────────────────────

  receive(arrivals: readonly Arrival[]): void {
    this.#outside.waiting.push(...arrivals);
    while (this.#outside.waiting.length > 0) this.#lane.inbound(4, this.now, RX_SLOTS);
    this.advance();
  }

  send(packet: Uint8Array): void {
    this.#inside.waiting.push(packet);
    this.#lane.outbound(this.now, 1);
  }

  advance(): void {
    this.#engine.advance(this.now);
    this.#lane.flush();
  }

  // ── the administrator ──────────────────────────────────────────────────────────────────────────────────────

  /** Make `privateKey` the engine's. */
  applyPrivateKey(): void {
    this.#engine.tell(this.now);
    const { core } = this.#engine;
    core.bytes.set(this.privateKey, core.at.secretExchange);
    this.#engine.setPrivateKey(core.at.secretExchange);
    core.wipe(core.at.secretExchange, 32);
    const own = this.#engine.publicKey()!;
    this.publicKey = Uint8Array.from(core.bytes.subarray(own, own + 32));
    this.epoch += 1;
    this.#lane.flush();
  }

  setUp(up: "up" | "down"): void {
    this.epoch += 1;
    if (up === "up") this.#engine.bringUp(this.now);
    else this.#engine.takeDown(this.now);
    this.#lane.flush();
  }

  /** Have `other` as a peer, with exactly its inner address. */
  addPeer(other: Machine, settings: PeerSettings): void {
    this.#engine.tell(this.now);
    const { core } = this.#engine;
    core.bytes.set(other.publicKey, core.at.exchange);
    const peer = this.#engine.createPeer(core.at.exchange)!;
    this.peers.set(other.index, peer);
    this.setPresharedKey(other.index, settings.presharedKey);
    if (settings.endpoint !== undefined) peer.setEndpoint(settings.endpoint);
    peer.setPersistentKeepalive(settings.keepalive);
    peer.addAllowedIp(innerAddress(other.index), 32);
    this.commit(other.index);
  }

  removePeer(other: number): void {
    this.#engine.tell(this.now);
    const peer = this.peers.get(other);
    if (peer === undefined) return;
    this.peers.delete(other);
    this.#engine.removePeer(peer);
    this.#lane.flush();
  }

  setPresharedKey(other: number, key: Uint8Array): void {
    this.#engine.tell(this.now);
    const { core } = this.#engine;
    core.bytes.set(key, core.at.secretExchange);
    this.peers.get(other)?.setPresharedKey(core.at.secretExchange);
    core.wipe(core.at.secretExchange, 32);
  }

  commit(other: number): void {
    this.#engine.tell(this.now);
    this.peers.get(other)?.commit();
    this.#lane.flush();
  }

  sleep(): void {
    this.asleep = true;
  }

  wakeUp(): void {
    this.epoch += 1;
    this.advance();
  }

  /** The engine dies without a word; a new one has the same identity, and no peers. */
  restart(): void {
    this.shutDown();
    this.#core = this.#cores.take();
    this.#engine = this.#boot();
    this.applyPrivateKey();
  }

  /** The core goes back. */
  shutDown(): void {
    this.peers.clear();
    this.#engine.close();
    this.#cores.giveBack(this.#core);
  }
}
