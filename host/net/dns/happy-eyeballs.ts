/**
 * Connects to a name (RFC 8305, Happy Eyeballs version 2): asks for both families at once, begins as soon as there is something to try,
 * goes from address to address without waiting long for any, alternating between families, and keeps the first connection that is made.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import { sortDestinations } from "../ip/selection.ts";
import type { TcpConnectOptions, TcpFailure, TcpService, TcpStream } from "../tcp/face.ts";
import type { Context, Timer } from "../transport.ts";
import type { LookupFailure, LookupResult, Resolver } from "./resolver.ts";

/** RFC 8305 §3: how long an answer for IPv4 waits for that for IPv6. */
const RESOLUTION_DELAY = 50;
/** §5: until the next address is tried beside those that do not answer. */
const ATTEMPT_DELAY = 250;

export type NameFailure = TcpFailure | LookupFailure;

export interface NameConnectOptions extends Omit<TcpConnectOptions, "remote" | "handler"> {
  readonly name: string;
  /** By default both, as our addresses allow. */
  readonly families?: "both" | 4 | 6 | undefined;
  /** Called once: with a connection that is made, or why none could be. What comes on it is told to `stream.handler`, set by then. */
  done(result: TcpStream | NameFailure): void;
}

export interface NameConnectContext {
  readonly context: Context;
  readonly tcp: TcpService;
  readonly resolver: Resolver;
  /** Our own addresses. */
  readonly addresses: readonly IpAddress[];
}

/** @returns a way to give it up: `done` is not called then */
export function connectByName(at: NameConnectContext, options: NameConnectOptions): () => void {
  const race = new Race(at, options);
  race.start();
  return () => race.cancel();
}

class Race implements Timer {
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  readonly #at: NameConnectContext;
  readonly #options: NameConnectOptions;
  readonly #abandon: (() => void)[] = [];
  readonly #lookups = new Set<4 | 6>();
  readonly #attempts = new Set<TcpStream>();
  /** Addresses to try next, best first. */
  #queue: IpAddress[] = [];
  #lastFamily: 4 | 6 | undefined;
  #tried = 0;
  /** Of the last connection that failed, or the first look-up that did. */
  #failure: NameFailure | undefined;
  /** When the next may be tried. */
  #next: Instant = NEVER;
  #over = false;

  constructor(at: NameConnectContext, options: NameConnectOptions) {
    this.#at = at;
    this.#options = options;
  }

  start(): void {
    const { families = "both", name } = this.#options;
    const wanted = families === "both" ? ([6, 4] as const) : ([families] as const);
    const usable = wanted.filter((family) => this.#at.addresses.some((address) => address.family === family));
    if (usable.length === 0) this.#failure = "ENETUNREACH";
    for (const family of usable) this.#lookups.add(family);
    for (const family of usable) {
      this.#abandon.push(
        this.#at.resolver.resolve(name, family === 4 ? "A" : "AAAA", (result) => this.#found(family, result)),
      );
    }
    if (usable.length === 0) this.#wakeAt(this.#at.context.now);
  }

  #found(family: 4 | 6, result: LookupResult): void {
    if (this.#over) return;
    this.#lookups.delete(family);
    if (typeof result === "string") this.#failure ??= result;
    else this.#queue = sortDestinations([...this.#queue, ...result], this.#at.addresses);
    if (this.#tried === 0 && this.#lookups.has(6) && this.#queue.length > 0) {
      return this.#wakeAt(this.#at.context.now + RESOLUTION_DELAY);
    }
    // What is under way keeps its head start.
    if (this.#tried > 0 && this.#attempts.size > 0 && this.#next !== NEVER) return;
    this.#step();
  }

  wake(): void {
    this.#next = NEVER;
    this.#step();
  }

  #wakeAt(at: Instant): void {
    this.#next = at;
    this.#at.context.timers.schedule(this, at);
    this.#at.context.wake();
  }

  /** Try the next address; end if there is nothing left to wait for. */
  #step(): void {
    while (!this.#over) {
      const remote = this.#takeNext();
      if (remote === undefined) {
        if (this.#lookups.size === 0 && this.#attempts.size === 0) this.#end(this.#failure ?? "ENOTFOUND");
        return;
      }
      if (this.#attempt(remote)) {
        if (this.#queue.length > 0 || this.#lookups.size > 0) this.#wakeAt(this.#at.context.now + ATTEMPT_DELAY);
        return;
      }
    }
  }

  /** §4: alternate between families. */
  #takeNext(): IpAddress | undefined {
    const other = this.#queue.findIndex((address) => address.family !== this.#lastFamily);
    const [next] = this.#queue.splice(Math.max(other, 0), 1);
    if (next !== undefined) this.#lastFamily = next.family;
    return next;
  }

  /** @returns false if it failed at once */
  #attempt(remote: IpAddress): boolean {
    const { name: _, families: __, done: ___, ...options } = this.#options;
    this.#tried += 1;
    const stream = this.#at.tcp.connect({
      ...options,
      remote,
      handler: {
        connected: () => this.#won(stream as TcpStream),
        closed: (failure) => this.#lost(stream as TcpStream, failure ?? "ECONNRESET"),
      },
    });
    if (typeof stream === "string") {
      this.#failure = stream;
      return false;
    }
    this.#attempts.add(stream);
    return true;
  }

  #won(stream: TcpStream): void {
    if (this.#over) return;
    this.#attempts.delete(stream);
    stream.handler = {};
    this.cancel();
    this.#options.done(stream);
  }

  #lost(stream: TcpStream, failure: TcpFailure): void {
    if (this.#over || !this.#attempts.delete(stream)) return;
    this.#failure = failure;
    this.#step();
  }

  #end(failure: NameFailure): void {
    this.cancel();
    // Perhaps from a timer: users are called when the stack is at rest.
    let over = false;
    this.#abandon.push(() => {
      over = true;
    });
    this.#at.resolver.later(() => {
      if (!over) this.#options.done(failure);
    });
  }

  cancel(): void {
    const abandon = this.#abandon.splice(0);
    for (const each of abandon) each();
    if (this.#over) return;
    this.#over = true;
    this.#at.context.timers.remove(this);
    for (const stream of this.#attempts) stream.abort();
    this.#attempts.clear();
  }
}
