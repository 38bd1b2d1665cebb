/**
 * The five timers of a peer (WireGuard paper §6; the kernel's timers.c) and the hooks that set them. Each hook says
 * when to call it. What an expired timer does is the peer's business: `due` tells which one it is.
 *
 *   retransmitHandshake   5 s + jitter after an initiation: send another, or give up after 90 s
 *   sendKeepalive         10 s after data came and nothing went: tell the peer we live
 *   newHandshake          15 s + jitter after data went and nothing came: the session is dead
 *   zeroKeyMaterial       540 s after the last new session: erase everything
 *   persistentKeepalive   the interval after the last authenticated packet either way
 */

import { type Instant, NEVER } from "../time/instant.ts";
import { CROSSING_SPREAD, ERASE_AFTER, JITTER, KEEPALIVE_TIMEOUT, REKEY_TIMEOUT } from "./constants.ts";

const TIMERS = [
  "retransmitHandshake",
  "sendKeepalive",
  "newHandshake",
  "zeroKeyMaterial",
  "persistentKeepalive",
] as const;
export type Timer = (typeof TIMERS)[number];

export class Timers {
  readonly #wake: (at: Instant) => void;
  /** Uniform in [0, 1). */
  readonly #chance: () => number;
  retransmitHandshake: Instant = NEVER;
  sendKeepalive: Instant = NEVER;
  newHandshake: Instant = NEVER;
  zeroKeyMaterial: Instant = NEVER;
  persistentKeepalive: Instant = NEVER;
  /** Data came while a keepalive was pending already: one more is due after it. */
  needAnotherKeepalive = false;
  /** Milliseconds; 0 is off. */
  persistentInterval = 0;

  /** @param wake asks to be called back at a moment; too often is harmless */
  constructor(wake: (at: Instant) => void, chance: () => number) {
    this.#wake = wake;
    this.#chance = chance;
  }

  #arm(timer: Timer, at: Instant): void {
    this[timer] = at;
    this.#wake(at);
  }

  #jitter(): number {
    return Math.floor(this.#chance() * (JITTER + 1));
  }

  /** The earliest of all timers. */
  get next(): Instant {
    return Math.min(
      this.retransmitHandshake,
      this.sendKeepalive,
      this.newHandshake,
      this.zeroKeyMaterial,
      this.persistentKeepalive,
    );
  }

  /** Take a timer that has expired at `now`, if there is one. */
  due(now: Instant): Timer | undefined {
    for (const timer of TIMERS) {
      if (this[timer] <= now) {
        this[timer] = NEVER;
        return timer;
      }
    }
    return undefined;
  }

  /** The peer stops. */
  stop(): void {
    for (const timer of TIMERS) this[timer] = NEVER;
    this.needAnotherKeepalive = false;
  }

  /** The machine slept, and our clock with it. Only the age of secrets is counted in true time. */
  slept(milliseconds: number): void {
    if (this.zeroKeyMaterial !== NEVER) this.#arm("zeroKeyMaterial", this.zeroKeyMaterial - milliseconds);
  }

  /** A packet with data was sent. */
  dataSent(now: Instant): void {
    if (this.newHandshake === NEVER) {
      this.#arm("newHandshake", now + KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + this.#jitter());
    }
  }

  /** An authenticated packet with data came. */
  dataReceived(now: Instant): void {
    if (this.sendKeepalive === NEVER) this.#arm("sendKeepalive", now + KEEPALIVE_TIMEOUT);
    else this.needAnotherKeepalive = true;
  }

  /** Anything authenticated was sent: data, keepalive or handshake. */
  anyAuthenticatedPacketSent(): void {
    this.sendKeepalive = NEVER;
  }

  /** Anything authenticated came: data, keepalive or handshake. */
  anyAuthenticatedPacketReceived(): void {
    this.newHandshake = NEVER;
  }

  /** Anything authenticated came or went. */
  anyAuthenticatedPacketTraversal(now: Instant): void {
    if (this.persistentInterval > 0) this.#arm("persistentKeepalive", now + this.persistentInterval);
    else this.persistentKeepalive = NEVER;
  }

  /** An initiation was sent. */
  handshakeInitiated(now: Instant): void {
    this.#arm("retransmitHandshake", now + REKEY_TIMEOUT + this.#jitter());
  }

  /**
   * An initiation came while ours was on its way: both ends drop their own and answer, so neither answer is of use, and
   * both would start again at the same moment. @returns how much longer than REKEY_TIMEOUT to wait; 0 if ours was not
   */
  handshakeCrossed(now: Instant): number {
    if (this.retransmitHandshake === NEVER) return 0;
    const longer = Math.floor(this.#chance() * CROSSING_SPREAD);
    this.#arm("retransmitHandshake", now + REKEY_TIMEOUT + longer);
    return longer;
  }

  /** A response came, or the first packet under a key that we made as responder. */
  handshakeComplete(): void {
    this.retransmitHandshake = NEVER;
  }

  /** New session keys exist. */
  sessionDerived(now: Instant): void {
    this.#arm("zeroKeyMaterial", now + ERASE_AFTER);
  }

  /** Attempts are given up: erase in time, unless that is planned already. */
  gaveUp(now: Instant): void {
    this.sendKeepalive = NEVER;
    if (this.zeroKeyMaterial === NEVER) this.#arm("zeroKeyMaterial", now + ERASE_AFTER);
  }

  /** The pending keepalive went out; send one more if more data came meanwhile. */
  keepaliveFired(now: Instant): void {
    if (!this.needAnotherKeepalive) return;
    this.needAnotherKeepalive = false;
    this.#arm("sendKeepalive", now + KEEPALIVE_TIMEOUT);
  }
}
