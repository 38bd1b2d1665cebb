/**
 * The largest packet of a path that loses larger ones without a word (RFC 4821). After timeouts smaller packets are tried; once these
 * arrive, single larger segments go out with the data: first one of the old size, for it may have been an outage, then halfway between what
 * passed and what did not. A segment that is lost so is no congestion (§7.6.2). What was found holds for all connections to that address.
 */
import type { Instant } from "../../time/instant.ts";
import type { Connection } from "./connection.ts";
import { HEADER_BYTES } from "./constants.ts";

/** Packets that surely pass: RFC 8200's for IPv6; for IPv4 what RFC 4821 §7.2 suggests, then what every host has to take. */
const SAFE_MTU = { 4: [1024, 576], 6: [1280] } as const;
/** Nearer than that is near enough. */
const STEP = 16;
const FOLLOWERS = 3;
/** Then it is asked whether the path has become better. */
const AGAIN_MS = 600_000;

export class PathSearch {
  /** Largest packet that passes, smallest that does not; what the path had before. */
  low: number;
  high: number;
  ceiling: number;
  /** Positions of the probe that is on its way; -1: none. */
  start = -1;
  end = -1;
  #size = 0;
  #from: Instant;

  constructor(low: number, ceiling: number, now: Instant) {
    this.low = low;
    this.high = this.ceiling = ceiling;
    this.#from = now;
  }

  /** Packet to be tried next; 0: none now. */
  next(now: Instant): number {
    if (this.start >= 0 || now < this.#from) return 0;
    return this.high === this.ceiling ? this.ceiling : (this.low + this.high) >> 1;
  }

  sent(start: number, end: number, size: number): void {
    this.start = start;
    this.end = end;
    this.#size = size;
  }

  passed(now: Instant): void {
    this.low = this.#size;
    this.#settle(now);
  }

  failed(now: Instant): void {
    // As far as the ceiling: there is no second try of that.
    this.high = Math.min(this.#size, this.ceiling - 1);
    this.#settle(now);
  }

  #settle(now: Instant): void {
    this.start = this.end = -1;
    if (this.low < this.ceiling && this.high - this.low > STEP) return;
    this.high = this.ceiling;
    this.#from = now + AGAIN_MS;
  }
}

/** Full segments may be what does not get through. */
export function suspectBlackHole(c: Connection): void {
  const first = c.scoreboard.head;
  if (first === undefined) return;
  const packet = c.packetBytes(Math.min(first.end - first.start, c.segment));
  const lower = SAFE_MTU[c.remote.family].find((mtu) => mtu < packet);
  if (lower === undefined) return;
  const { ip, now } = c.tcp.context;
  const ceiling = c.pathSearch?.ceiling ?? ip.pathMtu(c.remote);
  c.pathSearch = new PathSearch(lower, Math.max(ceiling, packet), now);
  c.mtuLimit = lower;
  c.measureSegment();
}

/**
 * @param most what may be sent now: segments have to follow, by which the loss of the probe is found without a timeout (§7.4)
 * @returns payload of a larger segment that is to be sent as a probe; 0: none
 */
export function pathProbeBytes(c: Connection, most: number): number {
  const { pathSearch, recovery, scoreboard } = c;
  if (pathSearch === undefined || recovery.phase !== "open" || scoreboard.lostBytes > 0 || c.timeoutsInRow > 0)
    return 0;
  const packet = Math.min(pathSearch.next(c.tcp.context.now), c.peerMss + c.ipBytes + HEADER_BYTES);
  const bytes = packet - c.packetBytes(0);
  return bytes > c.segment && bytes + FOLLOWERS * c.segment <= most ? bytes : 0;
}

/** Everything before `ack` arrived. */
export function pathProbeArrived(c: Connection, ack: number): void {
  const { pathSearch: search, tcp } = c;
  if (search === undefined || search.start < 0 || ack < search.end) return;
  search.passed(tcp.context.now);
  c.mtuLimit = search.low;
  tcp.context.ip.raiseMtu(c.remote, search.low);
  c.measureSegment();
}

/** Whether the probe is all that is lost: that says something about its size, and nothing about congestion. */
export function onlyPathProbeLost({ pathSearch: search, scoreboard }: Connection): boolean {
  if (search === undefined || search.start < 0) return false;
  return scoreboard.lostBytes === search.end - search.start && scoreboard.firstLost()?.start === search.start;
}

/** Bytes from `start` on are sent again: were they the probe's? */
export function pathProbeLost(c: Connection, start: number): void {
  const { pathSearch: search, tcp } = c;
  if (search === undefined || search.start < 0 || start < search.start || start >= search.end) return;
  search.failed(tcp.context.now);
  tcp.context.ip.lowerMtu(c.remote, search.low);
}
