/**
 * Handshake messages that wait in the core, answered at a bounded pace so that a flood of them never keeps packets
 * waiting (WireGuard paper §5.3, §5.4.7; the kernel's receive.c). Under load, a sender must first prove with a
 * cookie that it owns its address.
 */
import { DROP_RATE, MESSAGE_COOKIE_REPLY, MESSAGE_INITIATION } from "../core/codes.ts";
import type { Address, Core } from "../core/core.ts";
import { queuedLength, queuedMessage, queuedPath } from "../core/records/queued.ts";
import type { Lane } from "../lane/lane.ts";
import type { Instant } from "../time/instant.ts";
import type { Clock } from "./clock.ts";
import { HANDSHAKES_PER_TURN, REFUSALS_PER_TURN, UNDER_LOAD_LASTS, UNDER_LOAD_QUEUED } from "./constants.ts";
import type { Entropy } from "./entropy.ts";
import type { HandshakeCounters } from "./handshake-counters.ts";
import type { Peer } from "./peer.ts";
import type { StepEvents } from "./peer-step.ts";
import { RateLimiter } from "./rate-limiter.ts";

export interface HandshakeContext {
  readonly core: Core;
  readonly lane: Lane;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly counters: HandshakeCounters;
  readonly events: StepEvents;
  peerAt(slot: number): Peer;
}

export class Handshakes {
  readonly #context: HandshakeContext;
  readonly #limiter = new RateLimiter();
  /** Whose initiations were accepted and are to be answered: one or two, in this order. */
  readonly #accepted: Peer[] = [];
  #underLoadUntil: Instant = 0;

  constructor(context: HandshakeContext) {
    this.#context = context;
  }

  /** Messages waiting: if any are left, the engine wants to be called again at once. */
  get waiting(): number {
    return this.#context.core.exports.queued();
  }

  /**
   * Answer the oldest messages, of initiations four or two at a time: what these take of Diffie-Hellman is computed at once. What is refused
   * without any costs next to nothing, and counts so.
   */
  process(): void {
    if (this.waiting === 0) return;
    const { exports } = this.#context.core;
    let ahead = 0;
    try {
      for (let dear = HANDSHAKES_PER_TURN, cheap = REFUSALS_PER_TURN; dear > 0 && cheap > 0 && this.waiting > 0; ) {
        if (ahead === 0 && dear > 1) ahead = this.#agreeAhead(dear);
        if (this.#answer(exports.firstQueued()) === "dear") dear -= 1;
        else cheap -= 1;
        exports.dropQueued();
        if (ahead > 0) ahead -= 1;
        if (ahead === 0 || this.#accepted.length === 2) this.#respond();
      }
      this.#respond();
    } finally {
      this.#accepted.length = 0;
      exports.forgetAgreed();
      exports.forgetAnswers();
    }
  }

  /** Under load a message may be refused, and nothing is computed before that. @returns for how many of the next ones it was */
  #agreeAhead(most: number): number {
    return this.#underLoad() ? 0 : this.#context.core.exports.agreeAhead(most);
  }

  #respond(): void {
    const { core, entropy } = this.#context;
    const [one, other] = this.#accepted;
    let response: "made ahead" | "to be made" = "to be made";
    if (one !== undefined && other !== undefined) {
      entropy.refresh();
      if (core.exports.answerAhead(one.slot, other.slot)) response = "made ahead";
    }
    one?.sendResponse(response);
    other?.sendResponse(response);
    this.#accepted.length = 0;
  }

  /** Too many wait, or did within the last second. */
  #underLoad(): boolean {
    const { now } = this.#context.clock;
    if (this.waiting >= UNDER_LOAD_QUEUED) this.#underLoadUntil = now + UNDER_LOAD_LASTS;
    return now < this.#underLoadUntil;
  }

  /** The mac1 of what waits is valid. @returns what it cost */
  #answer(entry: Address): "dear" | "cheap" {
    const { core, clock } = this.#context;
    const { now } = clock;
    const message = queuedMessage(entry);
    const path = queuedPath(entry);
    const length = queuedLength(core.views, entry);
    const type = core.u32(message);
    const { counters } = this.#context;
    if (type === MESSAGE_COOKIE_REPLY) {
      const peer = this.#count(core.exports.consumeCookieReply(message, now), path);
      if (peer === undefined) return "cheap";
      counters.cookieRepliesReceived += 1;
      peer.step("cookie received");
      return "cheap";
    }
    if (this.#underLoad() && !this.#admit(message, length, path)) return "cheap";
    if (type === MESSAGE_INITIATION) {
      const peer = this.#count(core.exports.consumeInitiation(message, now), path);
      if (peer === undefined) return "dear";
      counters.initiationsReceived += 1;
      peer.step("initiation received");
      peer.handshakeReceived(path, length);
      this.#accepted.push(peer);
    } else {
      const peer = this.#count(core.exports.consumeResponse(message), path);
      if (peer === undefined) return "dear";
      counters.responsesReceived += 1;
      peer.step("response received");
      peer.handshakeReceived(path, length);
      peer.responseReceived();
    }
    return "dear";
  }

  /** Under load: a cookie first, and then not too often. */
  #admit(message: Address, length: number, path: Address): boolean {
    const { core, clock } = this.#context;
    const { now } = clock;
    if (!core.exports.checkMac2(message, length, path, now)) {
      this.#sendCookieReply(message, length, path);
      return false;
    }
    if (this.#limiter.allow(core, path, now)) return true;
    core.exports.countDrop(DROP_RATE);
    this.#context.events.refused?.(DROP_RATE, path);
    return false;
  }

  #sendCookieReply(message: Address, length: number, path: Address): void {
    const { core, lane, clock, entropy } = this.#context;
    const out = lane.messageToNobody(path);
    entropy.refresh();
    lane.commit(core.exports.createCookieReply(message, length, path, out, clock.now));
    this.#context.counters.cookieRepliesSent += 1;
    this.#context.events.challenged?.(path);
  }

  /** A slot, or −(1 + drop reason). */
  #count(result: number, path: Address): Peer | undefined {
    if (result >= 0) return this.#context.peerAt(result);
    const reason = -result - 1;
    this.#context.core.exports.countDrop(reason);
    this.#context.events.refused?.(reason, path);
    return undefined;
  }
}
