/**
 * A simulated machine: one engine, an identity that outlives it, a place in the network, and two clocks. The engine's
 * own clock stands still while the machine sleeps; the wall clock does not.
 */
import * as abi from "../../assembly/abi.ts";
import type { Core, Endpoint } from "../../host/core/core.ts";
import { Engine } from "../../host/device/engine.ts";
import type { Peer } from "../../host/device/peer.ts";
import type { Cores } from "./cores.ts";
import { innerAddress } from "./packet.ts";
import type { Random } from "./random.ts";

const EPOCH = 1_700_000_000;
const RX_SLOTS = 8; // assembly/constants.ts

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

export interface Arrival {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
}

export class Machine {
  readonly index: number;
  readonly #cores: Cores;
  readonly #random: Random;
  readonly #events: MachineEvents;
  #core: Core;
  #engine: Engine;
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
    const engine = new Engine({
      core,
      now: this.now,
      random: (into) => this.#random.fill(into),
      uptime: () => this.#trueTime,
      wallTime: () => ({
        seconds: EPOCH + Math.floor(this.#trueTime / 1000),
        nanoseconds: Math.floor(this.#trueTime % 1000) * 1_000_000,
      }),
      sink: {
        transmit: (count) => this.#transmit(count),
        deliver: (count) => this.#deliver(count),
        inject: () => {},
      },
    });
    core.exports.setMtu(1420);
    core.exports.setTrainLength(abi.TRAIN_DATAGRAMS_MAX);
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
    const { core } = this.#engine;
    const { rxDescriptors, rxBuffers } = core.at;
    for (let first = 0; first < arrivals.length; first += RX_SLOTS) {
      const batch = arrivals.slice(first, first + RX_SLOTS);
      batch.forEach(({ bytes, from }, i) => {
        const descriptor = rxDescriptors + abi.RX_BYTES * i;
        const buffer = rxBuffers + abi.MESSAGE_BYTES_MAX * i;
        core.bytes.set(bytes, buffer);
        core.view.setUint32(descriptor + abi.RX_OFFSET, buffer, true);
        core.view.setUint32(descriptor + abi.RX_LENGTH, bytes.length, true);
        core.view.setUint32(descriptor + abi.RX_SEGMENT, bytes.length, true);
        core.view.setUint32(descriptor + abi.RX_TOS, 0, true);
        core.writeEndpoint(descriptor + abi.RX_PATH, from);
      });
      this.#engine.receive(batch.length, this.now);
    }
    this.advance();
  }

  send(packet: Uint8Array): void {
    const { core } = this.#engine;
    core.wipe(core.at.tunBuffer, abi.VNET_BYTES);
    core.bytes.set(packet, core.at.tunBuffer + abi.VNET_BYTES);
    this.#engine.sendPacket(core.at.tunBuffer, packet.length + abi.VNET_BYTES, this.now);
    this.#engine.flush();
  }

  advance(): void {
    this.#engine.advance(this.now);
    this.#engine.flush();
  }

  #transmit(count: number): void {
    const core = this.#core;
    for (let i = 0; i < count; i++) {
      const descriptor = core.at.txDescriptors + abi.TX_BYTES * i;
      const segment = core.u32(descriptor + abi.TX_SEGMENT);
      const start = core.u32(descriptor + abi.TX_OFFSET);
      const end = start + core.u32(descriptor + abi.TX_LENGTH);
      const to = core.readEndpoint(descriptor + abi.TX_PATH)!;
      const slot = core.u32(descriptor + abi.TX_PEER);
      const peer = slot < core.maxPeers ? this.#engine.peerAt(slot) : undefined;
      for (let at = start; at < end; at += segment) {
        this.#events.sent(this, to, Uint8Array.from(core.bytes.subarray(at, Math.min(at + segment, end))), peer);
      }
      this.#engine.sent(i);
    }
  }

  #deliver(count: number): void {
    const core = this.#core;
    for (let i = 0; i < count; i++) {
      const write = core.at.writes + abi.WRITE_BYTES * i;
      const packet = new Uint8Array(core.u32(write + abi.WRITE_LENGTH));
      let filled = 0;
      for (let n = 0; n < core.u32(write + abi.WRITE_COUNT); n++) {
        const entry = core.u32(write + abi.WRITE_GATHER) + abi.GATHER_BYTES * n;
        const at = core.u32(entry + abi.GATHER_ADDRESS);
        const length = core.u32(entry + abi.GATHER_LENGTH);
        packet.set(core.bytes.subarray(at, at + length), filled);
        filled += length;
      }
      this.#events.delivered(this, packet);
    }
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
    this.#engine.flush();
  }

  setUp(up: "up" | "down"): void {
    this.epoch += 1;
    this.#engine.setUp(up === "up", this.now);
    this.#engine.flush();
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
    this.#engine.flush();
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
    this.#engine.flush();
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
