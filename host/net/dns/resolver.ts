/**
 * A stub resolver (RFC 1034 §5.3.1) that asks through the tunnel, and nowhere else: own entries first, then the cache, then the name
 * servers. Names that are asked for by several at once are looked up once. Callbacks come at the end of a turn.
 */
import { IpAddress } from "../address.ts";
import type { TcpService } from "../tcp/face.ts";
import { Telling } from "../telling.ts";
import type { Context, Transport } from "../transport.ts";
import type { Udp } from "../udp/udp.ts";
import { Cache, keyOf } from "./cache.ts";
import { Exchange, type ExchangeFailure, type Lasting } from "./exchange.ts";
import type { Question, RecordKind } from "./message.ts";
import { candidates, isNeverAsked, normalizeName } from "./name.ts";

const TIMEOUT_MS = 3000;
/** Questions under way at once: more are refused, so that a flood of names cannot fill memory. */
const EXCHANGES_MAX = 1024;

/** Node's names: no such name, no such record, not a name, given up; and what servers did. */
export type LookupFailure = ExchangeFailure | "ENOTFOUND" | "ENODATA" | "EBADNAME" | "ECANCELLED" | "ENOBUFS";
export type LookupResult = readonly IpAddress[] | LookupFailure;

export interface ResolverOptions {
  /** In the order they are asked in. */
  readonly servers: readonly IpAddress[];
  /** Domains that short names are completed with. */
  readonly search?: readonly string[] | undefined;
  /** Addresses of names, instead of what servers say. */
  readonly hosts?: ReadonlyMap<string, readonly IpAddress[]> | undefined;
  /** How long one server may take, 3 s by default; twice that when all are asked again. */
  readonly timeoutMs?: number | undefined;
}

export interface ResolverContext extends Context {
  readonly udp: Udp;
  readonly tcp: TcpService;
}

type Answered = (result: Lasting | ExchangeFailure | "ENOBUFS" | "ECANCELLED") => void;

/** A stack that a resolver can be put on. */
export interface ResolverStack extends ResolverContext {
  register(transport: Transport, ...protocols: number[]): void;
}

export class Resolver implements Transport {
  readonly #context: ResolverContext;
  readonly #servers: readonly IpAddress[];
  readonly #search: readonly string[];
  readonly #hosts = new Map<string, readonly IpAddress[]>();
  readonly #timeoutMs: number;
  readonly #cache = new Cache();
  readonly #underWay = new Map<string, { exchange: Exchange; waiting: Set<Answered> }>();
  /** What was asked for since the last turn: only in a turn is it known what time it is. */
  #asked: (() => void)[] = [];
  #news: (() => void)[] = [];
  #closed = false;

  /** A resolver that takes part in the turns of a stack, and ends with it. */
  static on(stack: ResolverStack, options: ResolverOptions): Resolver {
    const resolver = new Resolver(stack, options);
    stack.register(resolver);
    return resolver;
  }

  private constructor(context: ResolverContext, options: ResolverOptions) {
    this.#context = context;
    this.#servers = options.servers;
    this.#search = (options.search ?? []).map(normalizeName).filter((domain) => domain !== undefined);
    for (const [name, addresses] of options.hosts ?? []) {
      const normal = normalizeName(name);
      if (normal !== undefined) this.#hosts.set(normal, addresses);
    }
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /**
   * Look up the addresses of a name, of one family. A numeric address is its own.
   * @param done called once, never before this returns
   * @returns a way to give it up: `done` is not called then
   */
  resolve(text: string, kind: RecordKind, done: (result: LookupResult) => void): () => void {
    let over = false;
    let abandon = () => {};
    const finish = (result: LookupResult) =>
      this.later(() => {
        if (over) return;
        over = true;
        done(result);
      });
    const known = this.#closed ? "ECANCELLED" : this.#withoutAsking(text, kind);
    if (known !== undefined) finish(known);
    else {
      const names = candidates(text, normalizeName(text)!, this.#search);
      this.#asked.push(() => {
        if (!over) abandon = this.#resolveFirst(names, kind, finish);
      });
      this.#context.wake();
    }
    return () => {
      over = true;
      abandon();
    };
  }

  #withoutAsking(text: string, kind: RecordKind): LookupResult | undefined {
    const numeric = IpAddress.parse(text);
    if (numeric !== undefined) return ofKind([numeric], kind);
    const name = normalizeName(text);
    if (name === undefined) return "EBADNAME";
    const own = this.#hosts.get(name);
    if (own !== undefined) return ofKind(own, kind);
    if (isNeverAsked(name)) return "ENOTFOUND";
    // Nobody to ask: there are no names but our own.
    return this.#servers.length === 0 ? "ENOTFOUND" : undefined;
  }

  /** The first of the names that has an answer: a name that exists without such a record is one too, unless a later has more. */
  #resolveFirst(names: readonly string[], kind: RecordKind, finish: (result: LookupResult) => void): () => void {
    let index = 0;
    let failure: LookupFailure = "ENOTFOUND";
    let abandon = () => {};
    const next = () => {
      const name = names[index++];
      if (name === undefined) return finish(failure);
      abandon = this.#ask({ name, kind }, (result) => {
        if (typeof result === "string") return finish(result);
        if (result.outcome === "addresses") return finish(result.addresses);
        if (result.outcome === "no data") failure = "ENODATA";
        next();
      });
    };
    next();
    return () => abandon();
  }

  #ask(question: Question, answered: Answered): () => void {
    const { now, counters } = this.#context;
    if (this.#closed) {
      answered("ECANCELLED");
      return () => {};
    }
    const cached = this.#cache.get(question, now);
    if (cached !== undefined) {
      answered(cached);
      return () => {};
    }
    const key = keyOf(question);
    const running = this.#underWay.get(key);
    if (running !== undefined) running.waiting.add(answered);
    else if (this.#underWay.size >= EXCHANGES_MAX) {
      answered("ENOBUFS");
      return () => {};
    } else {
      counters.add("dnsQueries");
      const waiting = new Set([answered]);
      const exchange = new Exchange(this.#exchangeContext(), question, (result) => {
        this.#underWay.delete(key);
        if (typeof result !== "string") this.#cache.put(question, result, this.#context.now);
        for (const each of waiting) each(result);
      });
      this.#underWay.set(key, { exchange, waiting });
      exchange.start();
    }
    return () => this.#abandon(key, answered);
  }

  #abandon(key: string, answered: Answered): void {
    const running = this.#underWay.get(key);
    if (running === undefined || !running.waiting.delete(answered) || running.waiting.size > 0) return;
    running.exchange.cancel();
    this.#underWay.delete(key);
  }

  #exchangeContext() {
    const { udp, tcp } = this.#context;
    return { context: this.#context, udp, tcp, servers: this.#servers, timeoutMs: this.#timeoutMs };
  }

  /** Have this called at the end of a turn, when the stack is at rest. */
  later(tell: () => void): void {
    this.#news.push(tell);
    this.#context.wake();
  }

  /** Forget what was answered, as when the tunnel has other servers behind it now. */
  clearCache(): void {
    this.#cache.clear();
  }

  turn(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const ask of asked) ask();
  }

  tell(): void {
    if (this.#news.length === 0) return;
    const news = this.#news;
    this.#news = [];
    const telling = new Telling();
    for (const tell of news) telling.call(tell, this);
    telling.end();
  }

  close(): void {
    this.#closed = true;
    for (const { exchange, waiting } of this.#underWay.values()) {
      exchange.cancel();
      for (const answered of waiting) answered("ECANCELLED");
    }
    this.#underWay.clear();
    // Nobody shall wait for ever: this is the last that is told.
    this.turn();
    const telling = new Telling();
    while (this.#news.length > 0) telling.call(this.tell, this);
    telling.end();
  }

  receive(): void {}
  error(): void {}
  room(): void {}
  ready(): void {}
}

function ofKind(addresses: readonly IpAddress[], kind: RecordKind): LookupResult {
  const family = kind === "A" ? 4 : 6;
  const found = addresses.filter((address) => address.family === family);
  return found.length > 0 ? found : "ENODATA";
}
