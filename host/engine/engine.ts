/**
 * The protocol as a state machine: time and events in, decisions out. It opens no socket, reads no clock, starts no timer and
 * carries no packet: a lane does that (host/lane), and asks here about packets without a session.
 *
 *   the lane    tell, then for each packet sent / wantsRekey / unsent, after a batch received
 *   the driver  bringUp and takeDown as the interface comes and goes; tell before it changes the configuration (createPeer, Peer.set…,
 *               Peer.commit); advance after each batch and at nextDeadline; after any of these lane.flush
 *
 * One caller, no awaits. `now` never goes backwards. What a peer sends is never thrown, only counted.
 */
import {
  DROP_NO_ENDPOINT,
  DROP_NO_PEER,
  DROP_SEND,
  EVENT_CONFIRMED,
  PACKET_BYTES_MAX_IPV4,
  PACKET_BYTES_MAX_IPV6,
  SECRET_EXCHANGE_BYTES,
  SEND_NO_PEER,
  SEND_STAGE,
  SEND_TOO_BIG,
  sendPeer,
  sendStatus,
} from "../core/codes.ts";
import type { Address, Core } from "../core/core.ts";
import { IDENTITY_BYTES } from "../core/records/identity.ts";
import { pathFamily } from "../core/records/path.ts";
import { takePeerEvents } from "../core/records/peer.ts";
import { EngineClosedError, PeerLimitError } from "../errors.ts";
import type { Lane } from "../lane/lane.ts";
import type { Control } from "../lane/ports.ts";
import type { Instant, WallTime } from "../time/instant.ts";
import { TimerQueue } from "../time/timer-queue.ts";
import { Clock } from "./clock.ts";
import { DROP_REASONS, type DropReason } from "./drop-reason.ts";
import { Entropy } from "./entropy.ts";
import { HandshakeCounters } from "./handshake-counters.ts";
import { Handshakes } from "./handshakes.ts";
import { Peer, type PeerContext } from "./peer.ts";
import type { PeerEvent } from "./peer-event.ts";
import type { StepEvents } from "./peer-step.ts";
import { Preparation } from "./preparation.ts";
import { Slots } from "./slots.ts";
import { Staging } from "./staging.ts";
import { Undeliverable } from "./undeliverable.ts";

/** Told, or asked, while the engine is at work: take note, and act when it rests. */
export interface EngineEvents extends StepEvents {
  /** The peer's endpoint, or the address it is answered from, has just been learnt anew. */
  pathLearnt?(peer: Peer): void;
  /** The peer's message came along this path, from an address that is the peer's inside as well. @returns whether to answer there */
  mayFollow?(path: Address): boolean;
  /** A peer was added to the configuration. */
  peerCreated?(peer: Peer): void;
  told?(peer: Peer, event: PeerEvent): void;
}

export interface EngineOptions {
  /** Carries its packets, and is answered from now on. */
  readonly lane: Lane;
  readonly events?: EngineEvents | undefined;
  /** Fill a view of linear memory with bytes from a cryptographic source. */
  random(into: Uint8Array): void;
  /** Time since the Unix epoch. */
  wallTime(): WallTime;
  /** Milliseconds on a clock that counts sleep and nobody sets; see SleepWatch for what is done without. */
  readonly uptime?: (() => number) | undefined;
  /** Bytes that packets waiting for a session may take; STAGED_BYTES by default. */
  readonly stagedBytes?: number | undefined;
  /** The present moment. */
  readonly now: Instant;
}

export class Engine implements Control, PeerContext {
  readonly core: Core;
  readonly lane: Lane;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly queue = new TimerQueue<Peer>();
  readonly staging: Staging;
  readonly counters = new HandshakeCounters();
  readonly events: EngineEvents;
  readonly #handshakes: Handshakes;
  readonly #undeliverable: Undeliverable;
  readonly #bySlot: (Peer | undefined)[] = [];
  /** In order of creation. */
  readonly #peers = new Set<Peer>();
  readonly #slots: Slots;
  readonly #preparation = new Preparation();
  #up = false;
  #closed = false;

  constructor(options: EngineOptions) {
    const { lane, events, now, stagedBytes } = options;
    this.core = lane.core;
    this.lane = lane;
    this.events = events ?? {};
    this.clock = new Clock(now, () => options.wallTime(), options.uptime);
    this.entropy = new Entropy(this.core, (into) => options.random(into));
    this.#slots = new Slots(this.core.maxPeers);
    this.#undeliverable = new Undeliverable(this.core, lane);
    this.staging = new Staging(lane, this.clock, this.#undeliverable, stagedBytes);
    this.#handshakes = new Handshakes(this);
    lane.answerTo(this);
  }

  get now(): Instant {
    return this.clock.now;
  }

  get up(): boolean {
    return this.#up;
  }

  // ── what the lane tells ────────────────────────────────────────────────────────────────────────────────────

  /** It is `now`. Calls that take the time say so themselves; a driver says it before it changes the configuration. */
  tell(now: Instant): void {
    if (now === this.clock.now) return;
    const slept = this.clock.advanceTo(now);
    if (slept === 0) return;
    for (const peer of this.#peers) peer.slept(slept);
    this.lane.flush();
  }

  sent(slot: number): void {
    this.peerAt(slot).dataSent();
  }

  wantsRekey(slot: number): void {
    this.peerAt(slot).sendInitiation("first");
  }

  /**
   * Whether a packet to this address, 4 or 16 bytes, would leave at once. If not, the handshake that it needs is begun. Where no peer
   * would take it the answer is yes: it will be answered with an error.
   */
  wouldSend(address: Uint8Array, now: Instant): boolean {
    const { at, bytes, exports } = this.core;
    this.tell(now);
    bytes.set(address, at.exchange);
    const result = exports.outlook(at.exchange, address.length === 4 ? 4 : 6, now);
    if (sendStatus(result) !== SEND_STAGE) return true;
    this.peerAt(sendPeer(result)).sendInitiation("first");
    return false;
  }

  unsent(status: number, slot: number, vnet: Address, length: number): void {
    switch (status) {
      case SEND_STAGE:
        return this.peerAt(slot).stage(this.core.bytes.subarray(vnet, vnet + length));
      case SEND_TOO_BIG:
        return this.#tooBig(vnet, length, slot);
      default:
        this.core.countDrops(status === SEND_NO_PEER ? DROP_NO_PEER : DROP_NO_ENDPOINT, 1);
        this.#undeliverable.unreachable(vnet, length, this.now);
    }
  }

  #tooBig(vnet: Address, length: number, slot: number): void {
    this.core.countDrops(DROP_SEND, 1);
    const family = pathFamily(this.core.views, this.peerAt(slot).path);
    this.#undeliverable.tooBig(vnet, length, family === 4 ? PACKET_BYTES_MAX_IPV4 : PACKET_BYTES_MAX_IPV6, this.now);
  }

  /** Look after all peers that have events; a driver whose other threads receive calls it each turn as well. */
  received(): void {
    const first = this.core.at.touched >>> 2;
    const touched = this.core.exports.takeTouched();
    for (let i = 0; i < touched; i++) this.touched(this.core.words[first + i]!);
  }

  /** A peer has events; other threads may be adding to them. */
  touched(slot: number): void {
    const events = takePeerEvents(this.core.views, this.core.peer(slot));
    if ((events & EVENT_CONFIRMED) !== 0) this.core.exports.confirmSession(slot);
    this.#bySlot[slot]?.received(events);
  }

  /** A path came that must be allowed before it is followed. */
  pathOffered(peer: Peer): void {
    const path = this.core.exports.offeredPath(peer.slot);
    if (pathFamily(this.core.views, path) === 0 || this.events.mayFollow?.(path) === false) return;
    this.core.exports.acceptPath(peer.slot);
    this.events.pathLearnt?.(peer);
  }

  sourceRefused(slot: number): void {
    this.#bySlot[slot]?.clearSource();
  }

  /** The first thread gives way to nobody: others wait for it. */
  readonly isWanted = false;

  giveWay(): void {}

  // ── what is due ────────────────────────────────────────────────────────────────────────────────────────────

  /** Answer handshake messages and fire what is due. Harmless when early or repeated. */
  advance(now: Instant): void {
    this.tell(now);
    if (this.#up) this.#handshakes.process();
    this.received();
    for (let peer = this.queue.pop(now); peer !== undefined; peer = this.queue.pop(now)) peer.wake(now);
  }

  /** Compute ahead what handshakes will need: for when there is nothing else to do. @returns whether there is more */
  prepare(): boolean {
    if (this.core.privateKey() === undefined) return false;
    return this.#preparation.step(this.core.exports, this.#bySlot, this.#peers.size);
  }

  /** When to call `advance`; Infinity while nothing is pending. */
  nextDeadline(): Instant {
    return this.#up && this.#handshakes.waiting > 0 ? this.now : this.queue.next;
  }

  /** The peer in a slot that is taken. */
  peerAt(slot: number): Peer {
    return this.#bySlot[slot]!;
  }

  /** How many packets were dropped, by reason, since the device was made. */
  drops(): Record<DropReason, bigint> {
    const read = (index: number): bigint => this.core.view.getBigUint64(this.core.at.drops + 8 * index, true);
    return Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, read(index)])) as Record<DropReason, bigint>;
  }

  // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The interface came up.
   * @param takeWaiting receives what came before it was up. Peers start after that: one that has been answered is not sent
   *                    an initiation, which would cross with its own, and neither would be of use
   */
  bringUp(now: Instant, takeWaiting?: () => void): void {
    this.tell(now);
    this.#requireOpen();
    if (this.#up) return;
    this.#up = true;
    this.lane.open();
    takeWaiting?.();
    for (const peer of this.#peers) peer.start();
    this.lane.flush();
  }

  /** The interface went down: all sessions are forgotten, as the kernel does. */
  takeDown(now: Instant): void {
    this.tell(now);
    this.#requireOpen();
    if (!this.#up) return;
    this.#up = false;
    for (const peer of this.#peers) peer.stop();
    this.lane.shut();
    this.core.exports.clearQueued();
  }

  /** 32 bytes at `key`, which the caller wipes; all zero removes the identity. A peer with the same public key goes. */
  setPrivateKey(key: Address): void {
    this.#requireOpen();
    const anonymous = this.core.privateKey() === undefined;
    if (!this.core.exports.setPrivateKey(key, this.#bySlot.length)) return;
    this.#preparation.forgetSecrets();
    const own = this.core.publicKey();
    const self = own === undefined ? undefined : this.findPeer(own);
    if (self !== undefined) this.removePeer(self);
    for (const peer of this.#peers) {
      peer.expireSessions();
      // What came while there was no identity has waited without a handshake under way.
      if (anonymous && this.#up) peer.sendStagedPackets();
    }
  }

  /** Where the private key is; undefined without an identity. */
  privateKey(): Address | undefined {
    return this.core.privateKey();
  }

  /** Where our public key is; undefined without an identity. */
  publicKey(): Address | undefined {
    return this.core.publicKey();
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
    this.#preparation.add(slot);
    this.#peers.add(peer);
    this.events.peerCreated?.(peer);
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
    // What is sealed already goes out first.
    this.lane.flushPeer(peer.slot);
    this.core.exports.removePeer(peer.slot);
    this.#peers.delete(peer);
    this.#bySlot[peer.slot] = undefined;
    this.#slots.free(peer.slot);
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
    const { identity, secretExchange } = this.core.at;
    this.core.wipe(identity, IDENTITY_BYTES);
    this.core.randomArea().fill(0);
    this.core.wipe(secretExchange, SECRET_EXCHANGE_BYTES);
    try {
      this.lane.shut();
      this.removeAllPeers();
    } finally {
      this.core.exports.wipe();
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new EngineClosedError();
  }
}
