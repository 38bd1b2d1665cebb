/**
 * Cached source addresses after a change of addresses, links, routes or rules: one stays while it is an address of this
 * machine and the best route from it to the endpoint leaves through the interface it was learnt on (the kernel's
 * send4 and send6 ask the same at each route lookup). Any other is forgotten, and the system chooses anew.
 * A source that is learnt is looked at, too: a peer may be heard on an interface that no route to it leads through. Then
 * answers keep the address, and leave where the routes say.
 * News come in bursts and peers in thousands: after a pass comes a rest, and each turn of the loop does a part of one.
 */
import type { Core } from "../../core/core.ts";
import {
  hasSource,
  NotedPath,
  pathAddressAt,
  pathFamily,
  pathInterface,
  pathLocalAt,
  pathPort,
  pathScope,
  setPathInterface,
} from "../../core/records/path.ts";
import type { Peer } from "../../engine/peer.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { Instant } from "../../time/instant.ts";
import { NEVER } from "../../time/instant.ts";
import { RouteQuery, type RouteQuestion } from "./route-query.ts";

/** Sources looked at in one turn, at some 10 µs each. */
const SOURCES_PER_TURN = 200;
/** Rest after a pass, for each source it looked at: a flood of news takes a tenth of the time. */
const REST_PER_SOURCE_MS = 0.1;
const REST_MAX_MS = 200;
/** Peers without a source cost next to nothing. */
const PEERS_PER_TURN = 20_000;

export interface SourceCheckOptions {
  readonly core: Core;
  readonly libc: Libc;
  peers(): Iterable<Peer>;
  /** The mark that packets leave with. */
  mark(): number;
}

export class SourceCheck {
  readonly #options: SourceCheckOptions;
  readonly #routes: RouteQuery;
  #pass: Iterator<Peer> | undefined;
  #looked = 0;
  #restUntil: Instant = -NEVER;
  #wanted = false;
  /** The path that was learnt last, and whether its interface leads back. */
  readonly #latest = new NotedPath();
  #latestLeads = false;

  constructor(options: SourceCheckOptions) {
    this.#options = options;
    this.#routes = new RouteQuery(options.libc);
  }

  /** Something changed: look at all peers soon. */
  news(): void {
    this.#wanted = true;
    this.#latest.clear();
  }

  /** This peer's path is new. */
  learnt(peer: Peer): void {
    const { core } = this.#options;
    if (!hasSource(core.views, peer.path)) return;
    // Without its interface a path is never what the next packet brings: remember the answer.
    if (!this.#latest.is(core.views, peer.path)) {
      this.#latest.note(core.views, peer.path);
      this.#latestLeads = this.#leads(peer.path);
    }
    if (!this.#latestLeads) setPathInterface(core.views, peer.path, 0);
  }

  /** When to call `advance`; Infinity while there is nothing to do. */
  nextDeadline(): Instant {
    return this.#pass !== undefined || this.#wanted ? this.#restUntil : NEVER;
  }

  /** Do a turn's share of what is due. */
  advance(now: Instant): void {
    if (now < this.nextDeadline()) return;
    if (this.#pass === undefined) {
      this.#pass = this.#options.peers()[Symbol.iterator]();
      this.#looked = 0;
      this.#wanted = false;
    }
    let sources = SOURCES_PER_TURN;
    for (let peers = PEERS_PER_TURN; peers > 0 && sources > 0; peers--) {
      const { done, value: peer } = this.#pass.next();
      if (done) {
        this.#pass = undefined;
        this.#restUntil = now + Math.min(REST_MAX_MS, this.#looked * REST_PER_SOURCE_MS);
        return;
      }
      if (!hasSource(this.#options.core.views, peer.path)) continue;
      sources -= 1;
      this.#looked += 1;
      if (!this.#holds(peer.path)) peer.clearSource();
    }
  }

  /** Whether packets may be made to leave where this peer is heard. */
  #leads(path: number): boolean {
    const question = this.#question(path);
    const learntOn = pathInterface(this.#options.core.views, path);
    const best = this.#routes.ask(question);
    if (best !== undefined && (best.interface === learntOn || best.local)) return true;
    return this.#routes.ask({ ...question, interface: learntOn, real: true }) !== undefined;
  }

  #holds(path: number): boolean {
    const question = this.#question(path);
    const learntOn = pathInterface(this.#options.core.views, path);
    // The kernel refuses foreign sources of IPv4 itself.
    if (question.from.length === 16 && !this.#isOwn(question.from, learntOn)) return false;
    const route = this.#routes.ask(question);
    // A route to ourselves: the kernel names the loopback interface for some of them, whatever packets come in on.
    return route !== undefined && (learntOn === 0 || route.interface === learntOn || route.local);
  }

  #question(path: number): RouteQuestion & { from: Uint8Array } {
    const { core, mark } = this.#options;
    const size = pathFamily(core.views, path) === 4 ? 4 : 16;
    const to = core.bytes.slice(pathAddressAt(path), pathAddressAt(path) + size);
    const from = core.bytes.slice(pathLocalAt(path), pathLocalAt(path) + size);
    const port = pathPort(core.views, path);
    const zone = pathScope(core.views, path);
    return { to, from, interface: zone, port, mark: mark() };
  }

  #isOwn(address: Uint8Array, learntOn: number): boolean {
    const linkLocal = address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
    const route = this.#routes.ask({ to: address, interface: linkLocal ? learntOn : 0, port: 0, mark: 0 });
    return route?.local === true;
  }

  close(): void {
    this.#routes.close();
  }
}
