/**
 * How the loop waits for packets: asleep, as a rule. When the next one is due, by the rhythm of those before it, it wakes a little
 * earlier and looks out for it: a core that has slept takes as long to wake as the rest of a packet's way. With `--busy-poll` it
 * looks for some time after every packet instead, or never. Where packets come one way only, nobody waits for the single one: it looks out
 * for none of them, and takes a stream in numbers, leaving the packets alone for a moment.
 */

import { PLACE, type TunnelPorts, type Waiting } from "../os/machine.ts";
import type { Instant } from "../time/instant.ts";
import { BusyPoll, lookUntil } from "./busy-poll.ts";
import { Courtesy } from "./courtesy.ts";
import { Moderation, type Side } from "./moderation.ts";
import { Rhythm } from "./rhythm.ts";

/** To wake that much before the packet is due, and to look for it that long after. */
const LEAD_MS = 0.2;
const LAG_MS = 0.2;
/** Packets in a stream come closer together than this. Nobody waits for the single one. */
const PAUSE_MS_MIN = 0.2;
/** A signal that comes while it looks, or pauses, cannot interrupt the wait that follows: so that is a short one. */
const WAIT_AFTERWARDS_MS = 100;

export class PacketWait {
  readonly #courtesy: Courtesy;
  readonly #poll: Waiting;
  readonly #mayWait: (now: Instant) => number;
  readonly #busyPoll: BusyPoll;
  readonly #moderation = new Moderation();
  /** Not for those who pay for latency, nor where the system has no short sleep. */
  readonly #mayPause: boolean;
  #gathered = false;
  /** By place. */
  readonly #rhythms: readonly Rhythm[];
  /** When packets came last, and how long after the ones before. */
  #turn: Instant = 0;
  #pause = 0;
  readonly #look = () => this.#poll.wait(0);

  /**
   * @param places   how many places packets come through: the first ones
   * @param busyPoll microseconds to look after every packet; undefined follows the rhythm
   * @param mayWait  returns the milliseconds that may be waited, none or less when something is due
   */
  constructor(
    { waiting, yieldCore }: Pick<TunnelPorts, "waiting" | "yieldCore">,
    places: number,
    busyPoll: number | undefined,
    mayWait: (now: Instant) => number,
  ) {
    this.#courtesy = new Courtesy(yieldCore);
    this.#poll = waiting;
    this.#mayWait = mayWait;
    this.#busyPoll = new BusyPoll(this.#courtesy, busyPoll ?? 0);
    this.#mayPause = !busyPoll && waiting.pause !== undefined;
    this.#rhythms = busyPoll === undefined ? Array.from({ length: places }, () => new Rhythm()) : [];
  }

  /** `count` packets (superpackets, datagrams) of at most `limit` in a turn were taken from a place at once. */
  came(place: number, now: Instant, count: number, limit: number): void {
    const side: Side = place === PLACE.tun ? "inside" : "outside";
    if (count > 0) this.#moderation.came(side, now, count, limit);
    if (count > 0 && now > this.#turn) {
      this.#pause = now - this.#turn;
      this.#turn = now;
    }
    this.#busyPoll.extend(now);
    if (count === 1) this.#rhythms[place]?.beat(now);
    else if (count > 1) this.#rhythms[place]?.lose();
  }

  /** Whether the packets of this turn were the first for a while, and somebody may wait for them. */
  get awaited(): boolean {
    return this.#pause >= PAUSE_MS_MIN && this.#moderation.oneWay(this.#turn) === undefined;
  }

  /** Whether packets were left alone before this turn: there should be some. */
  get gathered(): boolean {
    return this.#gathered;
  }

  /** A packet went its way: let run who waits for it on this core, rather than when the loop falls asleep. */
  handOver(): void {
    this.#courtesy.yield(performance.now());
  }

  /** Until something is ready or due, or a signal came. @returns how many places are ready */
  wait(now: Instant): number {
    const pattern = this.#mayPause ? this.#moderation.pattern(now) : "single";
    const paused = this.#gathered;
    this.#gathered = pattern === "dense";
    if (pattern === "dense") {
      this.#poll.pause!(this.#moderation.pause("dense"));
      return this.#waitAfterwards();
    }
    const ready = paused ? this.#waitAfterwards() : this.#waitFor(now);
    if (pattern === "bursts" && ready > 0 && this.#isOneWay()) {
      this.#gathered = true;
      this.#poll.pause!(this.#moderation.pause("bursts"));
    }
    return ready;
  }

  /** Whether what is ready comes the way that all came before. */
  #isOneWay(): boolean {
    const oneWay = this.#moderation.oneWay(performance.now());
    const inside = this.#poll.ready(PLACE.tun);
    const outside = this.#poll.ready(PLACE.udp4) || this.#poll.ready(PLACE.udp6);
    return oneWay === "inside" ? inside && !outside : outside && !inside;
  }

  #waitFor(now: Instant): number {
    if (this.#busyPoll.isOn(now)) {
      return this.#busyPoll.look(now, now + this.#mayWait(now), this.#look) || this.#waitAfterwards();
    }
    const mayWait = this.#mayWait(now);
    const expected = this.#expected(now);
    const start = expected - LEAD_MS;
    if (start >= now + mayWait || !this.#courtesy.pays(now)) return this.#poll.wait(mayWait);
    let at = now;
    if (start > now) {
      const ready = this.#poll.waitBriefly(start - now);
      at = performance.now();
      if (ready > 0 || at < start) return ready; // found, or interrupted
    }
    const until = Math.min(expected + LAG_MS, now + mayWait);
    return lookUntil(this.#courtesy, at, until, this.#look) || this.#waitAfterwards();
  }

  #waitAfterwards(): number {
    return this.#poll.wait(Math.min(this.#mayWait(performance.now()), WAIT_AFTERWARDS_MS));
  }

  /** When the next packet is expected that is not too late already. */
  #expected(now: Instant): Instant {
    let first = Number.POSITIVE_INFINITY;
    if (this.#moderation.oneWay(now) !== undefined) return first;
    for (const { expected } of this.#rhythms) {
      if (expected < first && expected + LAG_MS > now) first = expected;
    }
    return first;
  }
}
