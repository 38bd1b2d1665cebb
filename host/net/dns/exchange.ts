/**
 * One question to the name servers, one after the other and twice round, until one answers: over UDP from a new random port with a new
 * random identifier each time (RFC 5452), without EDNS for servers that do not know it, over TCP when the answer was cut off.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import type { TcpService } from "../tcp/face.ts";
import type { Context, Timer } from "../transport.ts";
import type { UdpSocket } from "../udp/socket.ts";
import type { Udp } from "../udp/udp.ts";
import { encodeQuery, type Question, type Reply, readReply } from "./message.ts";
import { exchangeOverTcp } from "./tcp-exchange.ts";

const PORT = 53;
const ROUNDS = 2;
/** Answers that are none, or forged ones, from one server, after which it is left alone. */
const WRONG_MAX = 32;

/** The names of Node's dns module. */
export type ExchangeFailure = "ETIMEOUT" | "ESERVFAIL" | "EREFUSED" | "EBADRESP" | "ECONNREFUSED";
export type Lasting = Extract<Reply, { ttl: number }>;

export interface ExchangeContext {
  readonly context: Context;
  readonly udp: Udp;
  readonly tcp: TcpService;
  readonly servers: readonly IpAddress[];
  /** How long one server may take; twice that in the second round. */
  readonly timeoutMs: number;
}

export class Exchange implements Timer {
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  readonly #at: ExchangeContext;
  readonly #question: Question;
  readonly #done: (result: Lasting | ExchangeFailure) => void;
  /** Which try is under way: rounds times servers. */
  #try = 0;
  #extension: "EDNS" | "plain" = "EDNS";
  #id = 0;
  #wrong = 0;
  #socket: UdpSocket | undefined;
  #abandonTcp: (() => void) | undefined;
  #failure: ExchangeFailure = "ECONNREFUSED";
  #over = false;

  constructor(at: ExchangeContext, question: Question, done: (result: Lasting | ExchangeFailure) => void) {
    this.#at = at;
    this.#question = question;
    this.#done = done;
  }

  start(): void {
    const { servers } = this.#at;
    while (!this.#over) {
      if (this.#try >= ROUNDS * servers.length) return this.#end(this.#failure);
      this.#extension = "EDNS";
      this.#wrong = 0;
      if (this.#ask()) return;
      this.#try += 1;
    }
  }

  get #server(): IpAddress {
    return this.#at.servers[this.#try % this.#at.servers.length]!;
  }

  get #timeoutMs(): number {
    return this.#at.timeoutMs * (this.#try < this.#at.servers.length ? 1 : 2);
  }

  /** @returns false if that server cannot be asked */
  #ask(): boolean {
    this.#release();
    const { context, udp } = this.#at;
    this.#id = context.random.below(0x10000);
    const socket = udp.open({
      handler: {
        readable: () => this.#read(),
        // Nobody listens there, or nothing gets there: no need to wait.
        failed: (error) => error !== "EMSGSIZE" && this.#next("ECONNREFUSED"),
      },
    });
    if (typeof socket === "string") return false;
    this.#socket = socket;
    const query = encodeQuery(this.#id, this.#question, this.#extension);
    if (socket.connect(this.#server, PORT) !== undefined || socket.send(query) !== undefined) return false;
    context.timers.schedule(this, context.now + this.#timeoutMs);
    return true;
  }

  #read(): void {
    const { socket } = { socket: this.#socket };
    for (let datagram = socket?.receive(); datagram !== undefined; datagram = socket?.receive()) {
      const reply = readReply(datagram.bytes, this.#id, this.#question);
      if (reply !== undefined) return this.#take(reply);
      this.#at.context.counters.add("dnsIgnored");
      this.#wrong += 1;
      if (this.#wrong >= WRONG_MAX) return this.#next("EBADRESP");
    }
  }

  #take(reply: Reply): void {
    switch (reply.outcome) {
      case "truncated":
        return this.#askOverTcp();
      case "not understood":
        if (this.#extension === "plain") return this.#next("ESERVFAIL");
        this.#extension = "plain";
        if (!this.#ask()) this.#next("ECONNREFUSED");
        return;
      case "failed":
        return this.#next("ESERVFAIL");
      case "refused":
        return this.#next("EREFUSED");
      default:
        return this.#end(reply);
    }
  }

  #askOverTcp(): void {
    this.#release();
    const { tcp, context } = this.#at;
    const query = encodeQuery(this.#id, this.#question, this.#extension);
    this.#abandonTcp = exchangeOverTcp(tcp, this.#server, query, this.#timeoutMs, {
      message: (bytes) => {
        const reply = readReply(bytes, this.#id, this.#question);
        // Cut off again, over TCP: nonsense.
        if (reply === undefined || reply.outcome === "truncated") this.#next("EBADRESP");
        else this.#take(reply);
      },
      failed: () => this.#next("ECONNREFUSED"),
    });
    if (this.#abandonTcp === undefined) return this.#next("ECONNREFUSED");
    context.timers.schedule(this, context.now + 2 * this.#timeoutMs);
  }

  wake(): void {
    this.#at.context.counters.add("dnsTimeouts");
    this.#next("ETIMEOUT");
  }

  #next(failure: ExchangeFailure): void {
    if (this.#over) return;
    this.#failure = failure;
    this.#try += 1;
    this.start();
  }

  #end(result: Lasting | ExchangeFailure): void {
    this.cancel();
    this.#done(result);
  }

  /** Nothing is told any more. */
  cancel(): void {
    this.#over = true;
    this.#release();
  }

  #release(): void {
    this.#at.context.timers.remove(this);
    this.#socket?.close();
    this.#socket = undefined;
    this.#abandonTcp?.();
    this.#abandonTcp = undefined;
  }
}
