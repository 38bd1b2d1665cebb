/**
 * Endpoints with a name. It is looked up when the peer is configured, again after ever longer pauses while that fails, and
 * again while the peer does not answer: a peer with a changing address is found anew. A peer that roams is followed meanwhile.
 */
import type { Endpoint } from "../address/endpoint.ts";
import { parseEndpoint, type Zones } from "../address/endpoint-text.ts";
import type { Peer } from "../engine/peer.ts";
import { LookupError } from "../event/device-errors.ts";
import type { Lookup } from "../event/lookup.ts";
import { keepAlive } from "../time/keep-alive.ts";
import { asciiBytes } from "./device-keys.ts";
import type { HostAndPort } from "./endpoint-option.ts";

const PAUSE_MS_FIRST = 1000;
const PAUSE_MS_MAX = 60_000;
/** A lookup that has not answered by then has failed. */
const PATIENCE_MS = 10_000;
/** How long a device waits for the first answers before it starts without them. */
const BEGIN_MS_MAX = 3000;

interface Entry extends HostAndPort {
  pauseMs: number;
  /** Lookups are under way, or wait for their turn. */
  busy: boolean;
  /** How often the peer was given an address: of several, each has its turn. */
  turns: number;
  timer: ReturnType<typeof setTimeout> | undefined;
  failing: boolean;
}

export interface NamesOptions {
  readonly lookup: Lookup;
  readonly zones: Zones;
  found(peer: Peer, endpoint: Endpoint): void;
  failed(peer: Peer, error: LookupError): void;
}

export class Names {
  readonly #options: NamesOptions;
  readonly #entries = new Map<Peer, Entry>();
  readonly #end = new AbortController();
  #refs: "ref" | "unref" = "ref";
  #begun = false;

  constructor(options: NamesOptions) {
    this.#options = options;
  }

  /** The endpoint of `peer` has a name from now on. */
  set(peer: Peer, { host, port }: HostAndPort): void {
    this.forget(peer);
    const entry: Entry = {
      host,
      port,
      pauseMs: PAUSE_MS_FIRST,
      busy: false,
      turns: 0,
      timer: undefined,
      failing: false,
    };
    this.#entries.set(peer, entry);
    if (this.#begun) void this.#look(peer, entry);
  }

  /** Nothing is asked before this. Settles when all names have been looked up once, or that takes too long. */
  async begin(): Promise<void> {
    this.#begun = true;
    const idle = [...this.#entries].filter(([, { busy, turns }]) => !busy && turns === 0);
    if (idle.length === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, BEGIN_MS_MAX);
      this.#end.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([Promise.all(idle.map(([peer, entry]) => this.#look(peer, entry))), tooLong]);
    clearTimeout(timer);
  }

  /** The peer is gone, or has a numeric endpoint. */
  forget(peer: Peer): void {
    clearTimeout(this.#entries.get(peer)?.timer);
    this.#entries.delete(peer);
  }

  nameOf(peer: Peer): HostAndPort | undefined {
    return this.#entries.get(peer);
  }

  /** The peer did not answer: it may be elsewhere by now. */
  silent(peer: Peer): void {
    const entry = this.#entries.get(peer);
    if (this.#begun && entry !== undefined && !entry.busy) this.#later(peer, entry);
  }

  /** The peer is there. */
  reached(peer: Peer): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) return;
    entry.pauseMs = PAUSE_MS_FIRST;
    if (entry.timer === undefined) return;
    clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.busy = false;
  }

  close(): void {
    this.#end.abort();
    for (const peer of [...this.#entries.keys()]) this.forget(peer);
  }

  keep(refs: "ref" | "unref"): void {
    this.#refs = refs;
    for (const { timer } of this.#entries.values()) keepAlive(timer, refs);
  }

  #later(peer: Peer, entry: Entry): void {
    entry.busy = true;
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      void this.#look(peer, entry);
    }, entry.pauseMs);
    keepAlive(entry.timer, this.#refs);
    entry.pauseMs = Math.min(2 * entry.pauseMs, PAUSE_MS_MAX);
  }

  async #look(peer: Peer, entry: Entry): Promise<void> {
    entry.busy = true;
    const { endpoint, cause } = await this.#endpoint(entry);
    entry.busy = false;
    if (this.#end.signal.aborted || this.#entries.get(peer) !== entry || !peer.alive) return;
    if (endpoint !== undefined) {
      entry.failing = false;
      entry.turns += 1;
      return this.#options.found(peer, endpoint);
    }
    // Told once: it goes on by itself.
    if (!entry.failing) this.#options.failed(peer, new LookupError(entry.host, cause));
    entry.failing = true;
    this.#later(peer, entry);
  }

  async #endpoint({ host, port, turns }: Entry): Promise<{ endpoint?: Endpoint | undefined; cause?: unknown }> {
    let patience: ReturnType<typeof setTimeout> | undefined;
    const impatience = new AbortController();
    const stop = (): void => impatience.abort();
    this.#end.signal.addEventListener("abort", stop);
    try {
      const tooLong = new Promise<never>((_, reject) => {
        patience = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
        keepAlive(patience, this.#refs);
      });
      const given = await Promise.race([this.#options.lookup(host, { signal: impatience.signal }), tooLong]);
      const endpoints = (Array.isArray(given) ? given : [given]).flatMap(
        (address) => this.#numeric(address, port) ?? [],
      );
      if (endpoints.length === 0) return { cause: new Error("it has no address") };
      return { endpoint: endpoints[turns % endpoints.length] };
    } catch (cause) {
      return { cause };
    } finally {
      clearTimeout(patience);
      stop();
      this.#end.signal.removeEventListener("abort", stop);
    }
  }

  /** What a resolver gives is not to be relied on. */
  #numeric(given: unknown, port: number): Endpoint | undefined {
    const address = typeof given === "object" && given !== null && "address" in given ? given.address : given;
    if (typeof address !== "string") return undefined;
    const text = asciiBytes(address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);
    return parseEndpoint(text, 0, text.length, this.#options.zones);
  }
}
