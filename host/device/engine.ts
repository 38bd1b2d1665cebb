/**
 * The protocol as a state machine: bytes and time in, effects out. It opens no socket, reads no clock and starts no
 * timer; a driver does (host/io). Packets and keys lie in the core's linear memory and are named by address.
 * One caller, no awaits. `now` never goes backwards. What a peer sends is never thrown, only counted.
 */
import * as abi from "../../assembly/abi.ts";
import type { Address, Core } from "../core/core.ts";
import { pathFamily } from "../core/records/path.ts";
import { EngineClosedError, PeerLimitError } from "../errors.ts";
import { Counters } from "./counters.ts";
import { DROP_REASONS, type DropReason } from "./drop-reason.ts";
import { Handshakes } from "./handshakes.ts";
import { IcmpErrors } from "./icmp.ts";
import type { Instant, WallTime } from "./instant.ts";
import { Peer, type PeerContext } from "./peer.ts";
import type { PeerEvent } from "./peer-event.ts";
import { SleepWatch } from "./sleep-watch.ts";
import { Slots } from "./slots.ts";
import { StagedBudget } from "./staged.ts";
import { TimerQueue } from "./timer-queue.ts";

/** What the engine asks of its driver. Called synchronously; memory named is good until the call returns. */
export interface EngineSink {
  /** Send TX descriptors 0 to count − 1; call `sent` for each that went. */
  transmit(count: number): void;
  /** Write WRITE descriptors 0 to count − 1 to the TUN device. */
  deliver(count: number): void;
  /** Write one packet of the engine's own, with a vnet header in front, to the TUN device. */
  inject(address: Address, length: number): void;
  /** The peer's endpoint, or the address it is answered from, has just been learnt anew. */
  pathLearnt?(peer: Peer): void;
  /** The peer's message came along this path, from an address that is the peer's inside as well. @returns whether to answer there */
  mayFollow?(path: Address): boolean;
  /** A peer was added to the configuration. */
  peerCreated?(peer: Peer): void;
  /** Take note, and act on it when the engine rests. */
  told?(peer: Peer, event: PeerEvent): void;
}

export interface EngineOptions {
  readonly core: Core;
  readonly sink: EngineSink;
  /** Fill a view of linear memory with bytes from a cryptographic source. */
  random(into: Uint8Array): void;
  /** Time since the Unix epoch. */
  wallTime(): WallTime;
  /** Milliseconds on a clock that counts sleep and nobody sets; see SleepWatch for what is done without. */
  readonly uptime?: (() => number) | undefined;
  /** Bytes that packets waiting for a session may take; STAGED_BYTES by default. */
  readonly stagedBytes?: number;
  /** The present moment. */
  readonly now: Instant;
}

const STATUS_SHIFT = 24;
/** Static-static secrets computed in one idle turn: about half a millisecond. */
const PREPARED_PER_TURN = 8;
const PEER_MASK = 0xffffff;

export class Engine implements PeerContext {
  readonly core: Core;
  readonly queue = new TimerQueue<Peer>();
  readonly budget: StagedBudget;
  readonly counters = new Counters();
  readonly #sink: EngineSink;
  readonly #options: EngineOptions;
  readonly #handshakes: Handshakes;
  readonly #icmp: IcmpErrors;
  readonly #bySlot: (Peer | undefined)[] = [];
  /** In order of creation. */
  readonly #peers = new Set<Peer>();
  readonly #slots: Slots;
  readonly #sleepWatch: SleepWatch;
  readonly #chances = new Uint32Array(abi.RANDOM_BYTES / 4);
  #chancesLeft = 0;
  /** Peers below this slot, at least, have their static-static secret. */
  #preparedSlots = 0;
  #now: Instant;
  #up = false;
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.core = options.core;
    this.#sink = options.sink;
    this.#slots = new Slots(this.core.maxPeers);
    this.#now = options.now;
    this.#sleepWatch = new SleepWatch(options.uptime);
    this.#sleepWatch.slept(options.now, options.wallTime());
    this.budget = new StagedBudget(options.stagedBytes);
    this.#handshakes = new Handshakes(this);
    this.#icmp = new IcmpErrors(this.core, options.sink);
  }

  get now(): Instant {
    return this.#now;
  }

  get up(): boolean {
    return this.#up;
  }

  /** It is `now`. Calls that take the time say so themselves; a driver says it before it changes the configuration. */
  tell(now: Instant): void {
    if (now === this.#now) return;
    this.#now = now;
    const slept = this.#sleepWatch.slept(now, this.#options.wallTime());
    if (slept === 0) return;
    for (const peer of this.#peers) peer.slept(slept);
    this.flush();
  }

  // ── packets ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The host wants this sent: a read from TUN, vnet header and packet, `length` bytes in all. It goes out with `flush`. */
  sendPacket(vnet: Address, length: number, now: Instant): void {
    this.tell(now);
    if (!this.#up) return this.countDrops(abi.DROP_NO_PEER, 1);
    this.#send(vnet, length);
  }

  #send(vnet: Address, length: number): void {
    const { exports } = this.core;
    let result = exports.sendPacket(vnet, length, this.#now);
    while (result >>> STATUS_SHIFT === abi.SEND_MORE) {
      this.flush();
      result = exports.sendMore();
    }
    const status = result >>> STATUS_SHIFT;
    if (status === abi.SEND_DONE) return this.peerAt(result & PEER_MASK).dataSent(false);
    if (status === abi.SEND_DONE_REKEY) return this.peerAt(result & PEER_MASK).dataSent(true);
    if (status === abi.SEND_STAGE) {
      return this.peerAt(result & PEER_MASK).stage(this.core.bytes.subarray(vnet, vnet + length));
    }
    if (status === abi.SEND_MALFORMED) return this.countDrops(abi.DROP_MALFORMED, 1);
    if (status === abi.SEND_LOOP) return this.countDrops(abi.DROP_LOOP, 1);
    if (status === abi.SEND_TOO_BIG) return this.#tooBig(vnet, length, result & PEER_MASK);
    this.countDrops(status === abi.SEND_NO_PEER ? abi.DROP_NO_PEER : abi.DROP_NO_ENDPOINT, 1);
    this.#icmp.unreachable(vnet, length, this.#now);
  }

  #tooBig(vnet: Address, length: number, slot: number): void {
    this.countDrops(abi.DROP_SEND, 1);
    const family = this.core.view.getUint16(this.peerAt(slot).path + abi.PATH_FAMILY, true);
    const mtu = family === 4 ? abi.PACKET_BYTES_MAX_IPV4 : abi.PACKET_BYTES_MAX_IPV6;
    this.#icmp.tooBig(vnet, length, mtu, this.#now);
  }

  /** A packet that had been staged: it is routed anew, for the configuration may have changed. */
  sendStaged(packet: Uint8Array): void {
    const { tunBuffer } = this.core.at;
    this.core.bytes.set(packet, tunBuffer);
    this.#send(tunBuffer, packet.length);
  }

  pathOffered(peer: Peer): void {
    const path = this.core.exports.offeredPath(peer.slot);
    if (pathFamily(this.core.views, path) === 0 || this.#sink.mayFollow?.(path) === false) return;
    this.core.exports.acceptPath(peer.slot);
    this.pathLearnt(peer);
  }

  pathLearnt(peer: Peer): void {
    this.#sink.pathLearnt?.(peer);
  }

  told(peer: Peer, event: PeerEvent): void {
    this.#sink.told?.(peer, event);
  }

  unreachable(packet: Uint8Array): void {
    const { tunBuffer } = this.core.at;
    this.core.bytes.set(packet, tunBuffer);
    this.#icmp.unreachable(tunBuffer, packet.length, this.#now);
  }

  /** UDP messages came: RX descriptors 0 to count − 1. What is for the host is delivered at once. */
  receive(count: number, now: Instant): void {
    this.tell(now);
    const { exports } = this.core;
    if (!this.#up) return;
    const writes = exports.receive(count, now);
    if (writes > 0) this.#sink.deliver(writes);
    this.handleTouched();
  }

  /** Look after all peers that have events. `receive` does; a driver whose other threads receive calls it each turn. */
  handleTouched(): void {
    const first = this.core.at.touched >>> 2;
    const touched = this.core.exports.takeTouched();
    for (let i = 0; i < touched; i++) this.touched(this.core.words[first + i]!);
  }

  /** A peer has events; other threads may be adding to them. */
  touched(slot: number): void {
    const at = this.core.peer(slot) + abi.PEER_EVENTS;
    const events = Atomics.exchange(this.core.words, at >>> 2, 0);
    if ((events & abi.EVENT_CONFIRMED) !== 0) this.core.exports.confirmSession(slot);
    this.#bySlot[slot]?.received(events);
  }

  /** Send what waits to be sent. */
  flush(): void {
    const count = this.core.exports.trains();
    if (count === 0) return;
    this.#sink.transmit(count);
    this.core.exports.clearTrains();
  }

  /** Train `index` of the flush under way has been sent. */
  sent(index: number): void {
    this.core.exports.accountTrain(index);
  }

  /** Train `index` went only after its cached source address was left out: forget that address. */
  sourceRefused(index: number): void {
    const slot = this.core.u32(this.core.at.txDescriptors + abi.TX_BYTES * index + abi.TX_PEER);
    this.clearSourceOf(slot);
  }

  /** The system refused this peer's cached source address. */
  clearSourceOf(slot: number): void {
    this.#bySlot[slot]?.clearSource();
  }

  /** Answer handshake messages and fire what is due. Harmless when early or repeated. */
  advance(now: Instant): void {
    this.tell(now);
    if (this.#up) this.#handshakes.process();
    this.handleTouched();
    for (let peer = this.queue.pop(now); peer !== undefined; peer = this.queue.pop(now)) peer.wake(now);
  }

  /**
   * Compute ahead what the first handshakes of new peers will need, a little at a time: for when there is nothing else to do.
   * @returns whether there is more
   */
  prepare(): boolean {
    if (this.privateKey() === undefined) return false;
    for (let left = PREPARED_PER_TURN; left > 0 && this.#preparedSlots < this.#bySlot.length; this.#preparedSlots++) {
      if (this.#bySlot[this.#preparedSlots] === undefined) continue;
      this.core.exports.precompute(this.#preparedSlots);
      left -= 1;
    }
    return this.#preparedSlots < this.#bySlot.length;
  }

  /** When to call `advance`; Infinity while nothing is pending. */
  nextDeadline(): Instant {
    return this.#up && this.#handshakes.waiting > 0 ? this.#now : this.queue.next;
  }

  // ── what peers need ────────────────────────────────────────────────────────────────────────────────────────

  peerAt(slot: number): Peer {
    return this.#bySlot[slot]!;
  }

  chance(): number {
    if (this.#chancesLeft === 0) this.#drawChances();
    this.#chancesLeft -= 1;
    return this.#chances[this.#chancesLeft]! / 2 ** 32;
  }

  /** One call to the source of random bytes serves many timers. */
  #drawChances(): void {
    this.refreshRandom();
    const first = this.core.at.random >>> 2;
    this.#chances.set(this.core.words.subarray(first, first + this.#chances.length));
    this.core.wipe(this.core.at.random, abi.RANDOM_BYTES);
    this.#chancesLeft = this.#chances.length;
  }

  wallTime(): WallTime {
    return this.#options.wallTime();
  }

  refreshRandom(): void {
    const { random } = this.core.at;
    this.#options.random(this.core.bytes.subarray(random, random + abi.RANDOM_BYTES));
  }

  countDrops(reason: number, count: number): void {
    for (let i = 0; i < count; i++) this.core.exports.countDrop(reason);
  }

  /** How many packets were dropped, by reason, since the device was made. */
  drops(): Record<DropReason, bigint> {
    const read = (index: number): bigint => this.core.view.getBigUint64(this.core.at.drops + 8 * index, true);
    return Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, read(index)])) as Record<DropReason, bigint>;
  }

  // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────

  /** The interface came up or went down. Down forgets all sessions, as the kernel does. */
  setUp(up: boolean, now: Instant): void {
    this.tell(now);
    this.#requireOpen();
    if (up === this.#up) return;
    this.#up = up;
    for (const peer of this.#peers) {
      if (up) peer.start();
      else peer.stop();
    }
    if (up) return this.flush();
    this.core.exports.clearTrains();
    this.core.exports.clearQueued();
  }

  /** 32 bytes at `key`, which the caller wipes; all zero removes the identity. A peer with the same public key goes. */
  setPrivateKey(key: Address): void {
    this.#requireOpen();
    const { exports, at } = this.core;
    const anonymous = this.privateKey() === undefined;
    if (!exports.setPrivateKey(key, this.#bySlot.length)) return;
    this.#preparedSlots = 0;
    const self = this.privateKey() === undefined ? undefined : this.findPeer(at.identity + abi.IDENTITY_PUBLIC_KEY);
    if (self !== undefined) this.removePeer(self);
    for (const peer of this.#peers) {
      peer.expireSessions();
      // What came while there was no identity has waited without a handshake under way.
      if (anonymous && this.#up) peer.sendStagedPackets();
    }
  }

  /** Where the private key is; undefined without an identity. */
  privateKey(): Address | undefined {
    const { identity } = this.core.at;
    return this.core.u32(identity + abi.IDENTITY_PRESENT) === 0 ? undefined : identity + abi.IDENTITY_PRIVATE_KEY;
  }

  /** Where our public key is; undefined without an identity. */
  publicKey(): Address | undefined {
    return this.privateKey() === undefined ? undefined : this.core.at.identity + abi.IDENTITY_PUBLIC_KEY;
  }

  peers(): Iterable<Peer> {
    return this.#peers;
  }

  findPeer(publicKey: Address): Peer | undefined {
    return this.#bySlot[this.core.exports.findPeer(publicKey)];
  }

  /** @returns undefined for our own public key @throws PeerLimitError */
  createPeer(publicKey: Address): Peer | undefined {
    this.#requireOpen();
    if (this.#isOwnKey(publicKey)) return undefined;
    const slot = this.#slots.next;
    if (slot < 0) throw new PeerLimitError(this.core.maxPeers);
    if (!this.core.exports.createPeer(slot, publicKey)) throw new PeerLimitError(this.core.maxPeers);
    this.#slots.take(slot);
    const peer = new Peer(this, slot);
    this.#bySlot[slot] = peer;
    this.#preparedSlots = Math.min(this.#preparedSlots, slot);
    this.#peers.add(peer);
    this.#sink.peerCreated?.(peer);
    return peer;
  }

  #isOwnKey(publicKey: Address): boolean {
    const own = this.publicKey();
    if (own === undefined) return false;
    const { bytes } = this.core;
    for (let i = 0; i < 32; i++) if (bytes[own + i] !== bytes[publicKey + i]) return false;
    return true;
  }

  removePeer(peer: Peer): void {
    if (!peer.alive) return;
    peer.stop();
    peer.alive = false;
    this.#dropTrainsOf(peer.slot);
    this.core.exports.removePeer(peer.slot);
    this.#peers.delete(peer);
    this.#bySlot[peer.slot] = undefined;
    this.#slots.free(peer.slot);
  }

  /** What is sealed already goes out first: a slot may have another owner by the next flush. */
  #dropTrainsOf(slot: number): void {
    const { at } = this.core;
    for (let i = this.core.exports.trains() - 1; i >= 0; i--) {
      if (this.core.u32(at.txDescriptors + abi.TX_BYTES * i + abi.TX_PEER) === slot) return this.flush();
    }
  }

  removeAllPeers(): void {
    for (const peer of [...this.#peers]) this.removePeer(peer);
  }

  /** Forget every cached source address: addresses or routes of this machine changed. */
  clearSources(): void {
    for (const peer of this.#peers) peer.clearSource();
  }

  /** Wipe all keys. Every later change of configuration throws EngineClosedError. */
  close(): void {
    if (this.#closed) return;
    this.#up = false;
    this.#closed = true;
    const { identity, random, secretExchange } = this.core.at;
    this.core.wipe(identity, abi.IDENTITY_BYTES);
    this.core.wipe(random, abi.RANDOM_BYTES);
    this.core.wipe(secretExchange, abi.SECRET_EXCHANGE_BYTES);
    try {
      this.core.exports.clearTrains();
      this.removeAllPeers();
    } finally {
      this.core.exports.wipe();
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new EngineClosedError();
  }
}
