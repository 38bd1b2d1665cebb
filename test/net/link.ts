/**
 * One direction of a link on a virtual clock: a rate and the queue in front of it, delay, and what a bad network does to
 * packets, as a seeded generator says. What is larger than its MTU comes back as "too big", or vanishes (a black hole).
 */
import type { Random } from "../simulation/random.ts";
import type { VirtualClock } from "./clock.ts";

export interface LinkConditions {
  /** Infinity: packets take no time to be sent. */
  readonly megabitsPerSecond: number;
  /** One way. */
  readonly delayMs: number;
  /** Bytes that may wait for their turn; what finds the queue full is lost. */
  readonly queueBytes: number;
  readonly loss: number;
  /** Of packets that come `lateMs` later than they should. */
  readonly reordering: number;
  readonly lateMs: number;
  readonly duplication: number;
  /** Of packets with one bit that is wrong. */
  readonly corruption: number;
  readonly mtu: number;
  readonly tooBig: "told" | "black hole";
  /** Of packets that are marked "congestion experienced" where they say that they can be (RFC 3168). */
  readonly marking: number;
}

export const IDEAL: LinkConditions = {
  megabitsPerSecond: Number.POSITIVE_INFINITY,
  delayMs: 10,
  queueBytes: Number.POSITIVE_INFINITY,
  loss: 0,
  reordering: 0,
  lateMs: 2,
  duplication: 0,
  corruption: 0,
  mtu: 65_535,
  tooBig: "told",
  marking: 0,
};

export interface LinkEnds {
  /** A packet arrives at the far end. The array is the receiver's own. */
  deliver(packet: Uint8Array): void;
  /** A packet does not fit: for the near end, from the router in front of the link. */
  tooBig(packet: Uint8Array, mtu: number): void;
}

export class Link {
  conditions: LinkConditions;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #ends: LinkEnds;
  /** When the last packet in the queue has left. */
  #free = 0;
  #down = false;
  sent = 0;
  lost = 0;
  overflowed = 0;

  constructor(clock: VirtualClock, random: Random, conditions: Partial<LinkConditions>, ends: LinkEnds) {
    this.#clock = clock;
    this.#random = random;
    this.conditions = { ...IDEAL, ...conditions };
    this.#ends = ends;
  }

  /** From now on; packets under way are not touched. */
  change(conditions: Partial<LinkConditions>): void {
    this.conditions = { ...this.conditions, ...conditions };
  }

  /** The near end moves to another network: nothing passes for `outageMs`, and then under other conditions. */
  roam(outageMs: number, conditions: Partial<LinkConditions>): void {
    this.#down = true;
    this.#clock.after(outageMs, () => {
      this.#down = false;
      this.change(conditions);
    });
  }

  send(packet: Uint8Array): void {
    const { conditions } = this;
    this.sent += 1;
    if (packet.length > conditions.mtu) {
      if (conditions.tooBig === "told") this.#ends.tooBig(packet, conditions.mtu);
      return;
    }
    const now = this.#clock.now;
    const bytesPerMs = conditions.megabitsPerSecond * 125;
    const waiting = Math.max(0, this.#free - now) * bytesPerMs;
    if (waiting > conditions.queueBytes) {
      this.overflowed += 1;
      return;
    }
    this.#free = Math.max(this.#free, now) + packet.length / bytesPerMs;
    if (this.#down || this.#random.chance(conditions.loss)) {
      this.lost += 1;
      return;
    }
    this.#travel(packet);
    if (this.#random.chance(conditions.duplication)) this.#travel(packet);
  }

  #travel(packet: Uint8Array): void {
    const { conditions } = this;
    const late = this.#random.chance(conditions.reordering) ? conditions.lateMs : 0;
    const copy = packet.slice();
    if (this.#random.chance(conditions.corruption))
      copy[this.#random.whole(0, copy.length - 1)]! ^= 1 << this.#random.whole(0, 7);
    if (this.#random.chance(conditions.marking)) mark(copy);
    this.#clock.at(this.#free + conditions.delayMs + late, () => this.#ends.deliver(copy));
  }
}

/** Set "congestion experienced" in an IPv6 packet, or an IPv4 one whose checksum is then changed along (RFC 1624). */
function mark(packet: Uint8Array): void {
  if (packet[0]! >> 4 === 6) {
    if ((packet[1]! & 0x30) !== 0) packet[1]! |= 0x30;
    return;
  }
  const ecn = packet[1]! & 3;
  if (ecn === 0 || ecn === 3) return;
  packet[1]! |= 3;
  const sum = 0xffff - ((packet[10]! << 8) | packet[11]!) + (3 - ecn);
  const checksum = 0xffff - (sum > 0xffff ? sum - 0xffff : sum);
  packet[10] = checksum >> 8;
  packet[11] = checksum & 0xff;
}
