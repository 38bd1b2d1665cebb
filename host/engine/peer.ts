/**
 * One peer: when to shake hands, when to send what (WireGuard paper §6; the kernel's send.c, receive.c and timers.c,
 * whose names the methods keep). Keys and counters of its sessions live in the core, in its slot.
 * Every method works at the engine's present moment, that of its clock.
 */
import {
  EVENT_CONFIRMED,
  EVENT_DATA,
  EVENT_KEEPALIVE,
  EVENT_PATH,
  EVENT_PATH_OFFERED,
  EVENT_REKEY,
  EVENT_SENT,
  SEND_DONE,
  SEND_DONE_REKEY,
  SEND_NO_ENDPOINT,
  SEND_STAGE,
} from "../core/codes.ts";
import type { Address, Core, Endpoint } from "../core/core.ts";
import { pathFamily } from "../core/records/path.ts";
import { addPeerRxBytes, peerEvents } from "../core/records/peer.ts";
import type { Lane } from "../lane/lane.ts";
import { type Instant, NEVER, type WallTime } from "../time/instant.ts";
import type { Sleeper, TimerQueue } from "../time/timer-queue.ts";
import type { Clock } from "./clock.ts";
import { MAX_HANDSHAKE_ATTEMPTS, REKEY_TIMEOUT } from "./constants.ts";
import type { EngineEvents } from "./engine.ts";
import type { Entropy } from "./entropy.ts";
import type { HandshakeCounters } from "./handshake-counters.ts";
import type { PeerEvent } from "./peer-event.ts";
import { PeerSlot } from "./peer-slot.ts";
import type { PeerStep } from "./peer-step.ts";
import type { StagedQueue } from "./staged.ts";
import type { Staging } from "./staging.ts";
import { type Timer, Timers } from "./timers.ts";

/** DSCP AF41 for handshake messages, as the kernel marks them. */
const HANDSHAKE_TOS = 0x88;
const NO_HANDSHAKE: WallTime = { seconds: 0, nanoseconds: 0 };

/** What a peer needs of its engine. */
export interface PeerContext {
  readonly core: Core;
  /** Sends what the peer itself has to say. */
  readonly lane: Lane;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly queue: TimerQueue<Peer>;
  readonly staging: Staging;
  readonly counters: HandshakeCounters;
  readonly events: EngineEvents;
  /** Whether the interface is up. */
  readonly up: boolean;
  /** A path came that must be allowed before it is followed. */
  pathOffered(peer: Peer): void;
}

export class Peer extends PeerSlot implements Sleeper {
  readonly timers: Timers;
  readonly #context: PeerContext;
  readonly #staged: StagedQueue;
  alive = true;
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  #attempts = 0;
  /** No initiation before: the very sum that the timers make, or a retry might come too early by what rounding took, and be the last. */
  #initiationFrom: Instant = -NEVER;
  #lastHandshake: WallTime = NO_HANDSHAKE;
  #keepaliveDue = false;
  /** Told to be so; nothing authenticated has come since. */
  #silent = false;
  /** Reads sent to this peer, modulo 2^32. */
  #reads = 0;

  constructor(context: PeerContext, slot: number) {
    super(context.core, slot);
    this.#context = context;
    this.#staged = context.staging.queue();
    this.timers = new Timers(
      (at) => context.queue.schedule(this, at),
      () => context.entropy.chance(),
    );
  }

  // ── configuration ──────────────────────────────────────────────────────────────────────────────────────────

  /** Where it is was found out: a handshake under way begins anew, at once. */
  endpointFound(endpoint: Endpoint): void {
    this.setEndpoint(endpoint);
    if (this.timers.retransmitHandshake === NEVER) return this.commit();
    this.#initiationFrom = -NEVER;
    this.sendInitiation("first");
  }

  persistentKeepalive(): number {
    return this.timers.persistentInterval / 1000;
  }

  /** @param seconds 0 turns it off */
  setPersistentKeepalive(seconds: number): void {
    this.#keepaliveDue = seconds > 0 && (this.#keepaliveDue || this.timers.persistentInterval === 0);
    this.timers.persistentInterval = seconds * 1000;
  }

  /** A change of configuration is complete: send what it makes possible. */
  commit(): void {
    if (!this.#context.up) return;
    if (this.#keepaliveDue) {
      this.#keepaliveDue = false;
      this.sendKeepalive();
    }
    this.sendStagedPackets();
  }

  // ── statistics ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Since the epoch; zeros before the first. */
  lastHandshake(): WallTime {
    return this.#lastHandshake;
  }

  /** Initiations in a row that had no answer. */
  get attempts(): number {
    return this.#attempts;
  }

  // ── life ───────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.sendStagedPackets();
    if (this.timers.persistentInterval > 0) this.sendKeepalive();
    this.#keepaliveDue = false;
  }

  /** Forget sessions, timers and packets that wait. */
  stop(): void {
    this.#initiationFrom = -NEVER;
    this.timers.stop();
    this.#context.queue.remove(this);
    this.#context.staging.drop(this.#staged.clear());
    this.#context.core.exports.clearSessions(this.slot);
  }

  /** Our identity changed: nothing more goes out under the present keys. */
  expireSessions(): void {
    this.#context.core.exports.expireSessions(this.slot);
    this.#initiationFrom = -NEVER;
  }

  /**
   * The machine slept for that long: our clock stood still, but sessions grew older, and the peer may have erased them. Where
   * there was one in use there shall be another at once: until then whatever the peer sends might be lost.
   */
  slept(milliseconds: number): void {
    const { core, clock } = this.#context;
    const wasInUse = core.exports.ageSessions(this.slot, milliseconds, clock.now);
    this.#initiationFrom = -NEVER;
    this.timers.slept(milliseconds);
    if (wasInUse) this.sendInitiation("first");
  }

  /** Fire what is due. */
  wake(now: Instant): void {
    for (let timer = this.timers.due(now); timer !== undefined; timer = this.timers.due(now)) this.#fire(timer);
    if (this.alive && this.timers.next !== NEVER) this.#context.queue.schedule(this, this.timers.next);
  }

  #fire(timer: Timer): void {
    if (!this.#context.up) return;
    switch (timer) {
      case "retransmitHandshake":
        return this.#retransmit();
      case "sendKeepalive":
        this.sendKeepalive();
        return this.timers.keepaliveFired(this.#context.clock.now);
      case "newHandshake":
        this.step("no answer");
        this.#fellSilent();
        this.clearSource();
        return this.sendInitiation("first");
      case "zeroKeyMaterial":
        this.#context.staging.drop(this.#staged.clear());
        this.step("keys erased");
        return this.#context.core.exports.clearSessions(this.slot);
      case "persistentKeepalive":
        if (this.timers.persistentInterval > 0) this.sendKeepalive();
    }
  }

  #retransmit(): void {
    if (this.#attempts > MAX_HANDSHAKE_ATTEMPTS) {
      while (this.#staged.take((packet) => this.#context.staging.giveUp(packet)));
      this.#context.counters.handshakesGivenUp += 1;
      this.#tell("handshake failed");
      this.#fellSilent();
      return this.timers.gaveUp(this.#context.clock.now);
    }
    this.#attempts += 1;
    this.clearSource();
    this.sendInitiation("retry");
  }

  step(step: PeerStep): void {
    this.#context.events.step?.(this, step);
  }

  #tell(event: PeerEvent): void {
    this.#context.events.told?.(this, event);
  }

  #fellSilent(): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#tell("silent");
  }

  #heard(): void {
    if (!this.#silent) return;
    this.#silent = false;
    this.#tell("back");
  }

  // ── sending ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A packet (vnet header and all) for which there is no session yet. */
  stage(packet: Uint8Array): void {
    this.#context.staging.drop(this.#staged.push(packet));
    this.sendInitiation("first");
  }

  /** Send what waits, if there is a session by now. */
  sendStagedPackets(): void {
    for (let left = this.#staged.length; left > 0; left--) {
      if (!this.#staged.take((packet) => this.#context.staging.resend(packet))) return;
    }
  }

  /** Send what waits, or a message without data if nothing does. */
  sendKeepalive(): void {
    const { lane, clock } = this.#context;
    if (this.#staged.length > 0) {
      const reads = this.#reads;
      this.sendStagedPackets();
      // They may have gone elsewhere: routes change.
      if (this.#reads !== reads || this.#staged.length > 0) return;
    }
    const status = lane.keepalive(this.slot, clock.now);
    if (status === SEND_DONE || status === SEND_DONE_REKEY) {
      this.#authenticatedPacketSent();
      this.step("keepalive sent");
    }
    // Without an endpoint too the timers run, so that all goes on once there is one.
    const sessionless = status === SEND_STAGE || status === SEND_NO_ENDPOINT;
    if (sessionless || status === SEND_DONE_REKEY) this.sendInitiation("first");
  }

  #authenticatedPacketSent(): void {
    this.timers.anyAuthenticatedPacketTraversal(this.#context.clock.now);
    this.timers.anyAuthenticatedPacketSent();
  }

  /** Data for this peer has been sealed and goes out with the next flush. */
  dataSent(): void {
    this.#reads = (this.#reads + 1) | 0;
    this.#authenticatedPacketSent();
    this.timers.dataSent(this.#context.clock.now);
  }

  /** Start a handshake, unless one was started less than REKEY_TIMEOUT ago. */
  sendInitiation(attempt: "first" | "retry"): void {
    const { core, clock, up } = this.#context;
    const { now } = clock;
    if (attempt === "first") this.#attempts = 0;
    if (!up || now < this.#initiationFrom) return;
    this.#initiationFrom = now + REKEY_TIMEOUT;
    const message = this.#openHandshakeTrain();
    const { seconds, nanoseconds } = this.#context.clock.wallTime();
    this.#context.entropy.refresh();
    const length = core.exports.createInitiation(this.slot, message, seconds, nanoseconds, now);
    if (length === 0) return;
    this.#commitHandshakeTrain(length);
    this.timers.handshakeInitiated(now);
    this.#context.counters.initiationsSent += 1;
    this.#tell("handshake started");
    this.step(attempt === "first" ? "initiation sent" : "initiation sent again");
  }

  /**
   * Answer the initiation that the core has just accepted.
   * @param response whether what it takes of random bytes was drawn and used already
   */
  sendResponse(response: "made ahead" | "to be made"): void {
    const { core } = this.#context;
    const { now } = this.#context.clock;
    this.#initiationFrom = now + REKEY_TIMEOUT + this.timers.handshakeCrossed(now);
    const message = this.#openHandshakeTrain();
    if (response === "to be made") this.#context.entropy.refresh();
    const length = core.exports.createResponse(this.slot, message, now);
    if (length === 0 || !core.exports.beginSession(this.slot, now)) return;
    this.timers.sessionDerived(now);
    this.#commitHandshakeTrain(length);
    this.#context.counters.responsesSent += 1;
    this.step("response sent");
  }

  #openHandshakeTrain(): Address {
    return this.#context.lane.message(this.slot, this.path, HANDSHAKE_TOS);
  }

  /** Without an endpoint nothing goes out, but the timers run all the same. */
  #commitHandshakeTrain(length: number): void {
    const { core, lane } = this.#context;
    if (pathFamily(core.views, this.path) !== 0) lane.commit(length);
    this.#authenticatedPacketSent();
  }

  // ── receiving ──────────────────────────────────────────────────────────────────────────────────────────────

  /** The core accepted a handshake message of this peer, of `length` bytes, that came along `path`. */
  handshakeReceived(path: Address, length: number): void {
    const { core } = this.#context;
    const { now } = this.#context.clock;
    addPeerRxBytes(core.views, this.record, length);
    core.exports.followPath(this.slot, path);
    // Now, because the answer takes this path already.
    const events = peerEvents(core.views, this.record);
    if ((events & EVENT_PATH) !== 0) this.#context.events.pathLearnt?.(this);
    if ((events & EVENT_PATH_OFFERED) !== 0) this.#context.pathOffered(this);
    this.#heard();
    this.timers.anyAuthenticatedPacketReceived();
    this.timers.anyAuthenticatedPacketTraversal(now);
  }

  /** A response was accepted: the session begins, and the first packet under it confirms the key. */
  responseReceived(): void {
    const { core } = this.#context;
    const { now } = this.#context.clock;
    if (!core.exports.beginSession(this.slot, now)) return;
    this.timers.sessionDerived(now);
    this.#handshakeComplete();
    this.sendKeepalive();
  }

  #handshakeComplete(): void {
    this.timers.handshakeComplete();
    this.#attempts = 0;
    this.#lastHandshake = this.#context.clock.wallTime();
    this.#tell("handshake");
    this.step("keys in use");
  }

  /** What the last batch brought. @param events EVENT_… bits */
  received(events: number): void {
    const { now } = this.#context.clock;
    if ((events & EVENT_PATH) !== 0) this.#context.events.pathLearnt?.(this);
    if ((events & EVENT_PATH_OFFERED) !== 0) this.#context.pathOffered(this);
    // By another thread; which came first is not known. So an answer is taken to follow what it answers.
    if ((events & EVENT_SENT) !== 0) this.dataSent();
    if ((events & EVENT_KEEPALIVE) !== 0) this.step("keepalive received");
    if ((events & (EVENT_DATA | EVENT_KEEPALIVE)) !== 0) {
      this.#heard();
      this.timers.anyAuthenticatedPacketReceived();
      this.timers.anyAuthenticatedPacketTraversal(now);
      if ((events & EVENT_DATA) !== 0) this.timers.dataReceived(now);
    }
    // After the timers: what is sent now has not been answered by what came.
    if ((events & EVENT_CONFIRMED) !== 0) {
      this.#handshakeComplete();
      this.sendStagedPackets();
    }
    if ((events & EVENT_REKEY) !== 0) this.sendInitiation("first");
  }
}
