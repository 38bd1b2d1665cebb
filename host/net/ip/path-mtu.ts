/**
 * What is known of the largest packet to each destination (RFC 1191, RFC 8201). Whoever lowers it has checked that the news can
 * be true (RFC 5927). What was learnt is forgotten after ten minutes, since paths change and nobody tells when they get better;
 * memory is bounded, the oldest goes first.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { TimerQueue } from "../../time/timer-queue.ts";
import type { IpAddress } from "../address.ts";
import type { Timer } from "../transport.ts";
import { IPV4_MIN_MTU, IPV6_MIN_MTU } from "./protocols.ts";

/** RFC 8201 §5.4, RFC 1191 §6.3. */
const LIFETIME_MS = 600_000;
const DESTINATIONS_MAX = 4096;
/** RFC 1191 §7.1: what routers that do not tell their MTU may have. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508];

interface Learnt {
  readonly mtu: number;
  readonly until: Instant;
}

export interface PathMtuContext {
  readonly now: Instant;
  readonly timers: TimerQueue<Timer>;
}

export class PathMtu implements Timer {
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  readonly #interfaceMtu: number;
  readonly #context: PathMtuContext;
  /** In the order of `until`. */
  readonly #learnt = new Map<string, Learnt>();
  #epoch = 0;

  constructor(interfaceMtu: number, context: PathMtuContext) {
    this.#interfaceMtu = interfaceMtu;
    this.#context = context;
  }

  /** Changes whenever an answer of `to` may have changed. */
  get epoch(): number {
    return this.#epoch;
  }

  get count(): number {
    return this.#learnt.size;
  }

  to(destination: IpAddress): number {
    if (this.#learnt.size === 0) return this.#interfaceMtu;
    return this.#learnt.get(keyOf(destination))?.mtu ?? this.#interfaceMtu;
  }

  lower(destination: IpAddress, mtu: number): void {
    const floor = destination.family === 4 ? IPV4_MIN_MTU : IPV6_MIN_MTU;
    const lowered = Math.max(mtu, floor);
    if (lowered >= this.to(destination)) return;
    const key = keyOf(destination);
    const until = this.#context.now + LIFETIME_MS;
    this.#learnt.delete(key);
    this.#learnt.set(key, { mtu: lowered, until });
    if (this.#learnt.size > DESTINATIONS_MAX) this.#learnt.delete(this.#learnt.keys().next().value!);
    this.#epoch += 1;
    this.#context.timers.schedule(this, until);
  }

  raise(destination: IpAddress, mtu: number): void {
    const key = keyOf(destination);
    const learnt = this.#learnt.get(key);
    if (learnt === undefined || mtu <= learnt.mtu) return;
    // As long as before: a place in the order of `until` is a place in the map.
    if (mtu >= this.#interfaceMtu) this.#learnt.delete(key);
    else this.#learnt.set(key, { mtu, until: learnt.until });
    this.#epoch += 1;
  }

  wake(now: Instant): void {
    for (const [key, { until }] of this.#learnt) {
      if (until > now) {
        this.#context.timers.schedule(this, until);
        break;
      }
      this.#learnt.delete(key);
    }
    this.#epoch += 1;
  }
}

function keyOf({ w0, w1, w2, w3 }: IpAddress): string {
  return `${w0},${w1},${w2},${w3}`;
}

/** What to try when a router found a packet of `length` bytes too big and did not say what fits. */
export function plateauBelow(length: number): number {
  return PLATEAUS.find((plateau) => plateau < length) ?? IPV4_MIN_MTU;
}
