/**
 * Echo as a client: ping. A reply counts when it is from whom the request went to, answers one that waits, and brings its data back.
 * Errors count when they quote a request that waits (RFC 5927's idea, for ICMP itself).
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import type { Inbound } from "../inbound.ts";
import { Telling } from "../telling.ts";
import type { Context, Flow, IcmpError, Timer } from "../transport.ts";
import { ECHO_REQUEST, type ErrorKind } from "./kinds.ts";
import type { Outbox } from "./outbox.ts";

const HEADER_BYTES = 8;
/** Tells our requests' data from anybody's guess. */
const TOKEN_BYTES = 8;
const WAITING_MAX = 1024;
const TIMEOUT_MS = 10_000;
const DATA_BYTES_MAX = 65_507;

export interface EchoReply {
  readonly sequence: number;
  readonly rttMs: number;
  readonly hopLimit: number;
  readonly dataBytes: number;
}

/** "timeout": nothing came; otherwise what an ICMP error said. */
export type EchoFailure = ErrorKind | "timeout";

export interface EchoHandler {
  reply(reply: EchoReply): void;
  failed(sequence: number, failure: EchoFailure): void;
}

export interface EchoOptions {
  readonly remote: IpAddress;
  readonly local?: IpAddress | undefined;
  readonly handler: EchoHandler;
  /** 64 by default. */
  readonly hopLimit?: number | undefined;
  readonly trafficClass?: number | undefined;
  /** How long a request waits for its reply; 10 s by default. */
  readonly timeoutMs?: number | undefined;
}

interface Request {
  readonly sequence: number;
  /** NEVER before the turn that sends it: only then is it known what time it is. */
  sentAt: Instant;
  readonly token: Uint8Array;
  readonly dataBytes: number;
}

export class EchoClients {
  readonly #context: Context;
  readonly #outbox: Outbox;
  readonly #byIdentifier = new Map<number, EchoSocket>();
  #closed = false;

  constructor(context: Context, outbox: Outbox) {
    this.#context = context;
    this.#outbox = outbox;
  }

  /** @returns EHOSTUNREACH without an address of the remote's family, and where nothing may go, EADDRNOTAVAIL when `local` is not ours */
  open(options: EchoOptions): EchoSocket | "EHOSTUNREACH" | "ENETDOWN" | "EADDRNOTAVAIL" | "ENOBUFS" {
    if (this.#closed) return "ENETDOWN";
    const { ip, random } = this.#context;
    const local = options.local ?? ip.source(options.remote);
    if (local === undefined || !ip.mayReach(options.remote)) return "EHOSTUNREACH";
    if (!ip.isOurs(local)) return "EADDRNOTAVAIL";
    if (this.#byIdentifier.size >= 0x8000) return "ENOBUFS";
    let identifier = random.below(0x10000);
    while (this.#byIdentifier.has(identifier)) identifier = random.below(0x10000);
    const { hopLimit = 0, trafficClass = 0 } = options;
    const flow = { local, remote: options.remote, trafficClass: trafficClass & ~3, hopLimit };
    const socket = new EchoSocket(this.#context, this.#outbox, flow, identifier, options, () =>
      this.#byIdentifier.delete(identifier),
    );
    this.#byIdentifier.set(identifier, socket);
    return socket;
  }

  receive(packet: Inbound): void {
    const socket = this.#byIdentifier.get(packet.view.getUint16(packet.start + 4));
    if (socket === undefined || !socket.receive(packet)) this.#context.counters.add("icmpUnknown");
  }

  error(error: IcmpError): void {
    const { view, start } = error;
    const isRequest = view.getUint8(start) === ECHO_REQUEST[error.remote.family];
    const socket = isRequest ? this.#byIdentifier.get(view.getUint16(start + 4)) : undefined;
    if (socket === undefined || !socket.error(error)) this.#context.counters.add("icmpUnknown");
  }

  turn(): void {
    for (const socket of this.#byIdentifier.values()) socket.turn();
  }

  tell(): void {
    if (this.#byIdentifier.size === 0) return;
    const telling = new Telling();
    for (const socket of [...this.#byIdentifier.values()]) telling.call(socket.tell, socket);
    telling.end();
  }

  close(): void {
    this.#closed = true;
    for (const socket of [...this.#byIdentifier.values()]) socket.close();
  }
}

export class EchoSocket implements Timer {
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly identifier: number;
  readonly #context: Context;
  readonly #outbox: Outbox;
  readonly #flow: Flow;
  readonly #handler: EchoHandler;
  readonly #timeoutMs: number;
  readonly #forget: () => void;
  /** In the order they were sent in. */
  readonly #waiting = new Map<number, Request>();
  readonly #unsent: number[] = [];
  #news: (() => void)[] = [];
  #next = 0;
  #closed = false;

  constructor(
    context: Context,
    outbox: Outbox,
    flow: Flow,
    identifier: number,
    options: EchoOptions,
    forget: () => void,
  ) {
    this.#context = context;
    this.#outbox = outbox;
    this.#flow = flow;
    this.local = flow.local;
    this.remote = flow.remote;
    this.identifier = identifier;
    this.#handler = options.handler;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#forget = forget;
  }

  /** @returns the request's sequence number; undefined if too many wait or it is larger than a datagram can be */
  send(dataBytes: number): number | undefined {
    if (this.#closed || this.#waiting.size >= WAITING_MAX || dataBytes > DATA_BYTES_MAX) return undefined;
    const sequence = this.#next;
    const message = new Uint8Array(HEADER_BYTES + dataBytes);
    const view = new DataView(message.buffer);
    message[0] = ECHO_REQUEST[this.remote.family];
    view.setUint16(4, this.identifier);
    view.setUint16(6, sequence);
    const token = this.#context.random.bytes(Math.min(TOKEN_BYTES, dataBytes));
    message.set(token, HEADER_BYTES);
    if (!this.#outbox.add(this.#flow, message)) return undefined;
    this.#next = (this.#next + 1) & 0xffff;
    this.#waiting.set(sequence, { sequence, sentAt: NEVER, token, dataBytes });
    this.#unsent.push(sequence);
    return sequence;
  }

  /** What was given to `send` goes out now. */
  turn(): void {
    if (this.#unsent.length === 0) return;
    const { now, timers } = this.#context;
    for (const sequence of this.#unsent) {
      const request = this.#waiting.get(sequence);
      if (request !== undefined) request.sentAt = now;
    }
    this.#unsent.length = 0;
    timers.schedule(this, now + this.#timeoutMs);
  }

  /** @returns false if no request waits for this */
  receive(packet: Inbound): boolean {
    const { view, bytes, start, end, hopLimit } = packet;
    const request = this.#waiting.get(view.getUint16(start + 6));
    if (request === undefined || !packet.source().equals(this.remote)) return false;
    if (!packet.destination().equals(this.local) || end - start - HEADER_BYTES !== request.dataBytes) return false;
    if (request.token.some((byte, i) => bytes[start + HEADER_BYTES + i] !== byte)) return false;
    const { sequence, dataBytes } = request;
    const rttMs = this.#context.now - request.sentAt;
    this.#waiting.delete(sequence);
    this.#news.push(() => this.#handler.reply({ sequence, rttMs, hopLimit, dataBytes }));
    return true;
  }

  /** @returns false if it is about none of ours */
  error({ kind, remote, mtu, length, view, start }: IcmpError): boolean {
    const request = this.#waiting.get(view.getUint16(start + 6));
    if (request === undefined || !remote.equals(this.remote)) return false;
    if (kind === "too-big") {
      const sent = request.dataBytes + HEADER_BYTES + (remote.family === 4 ? 20 : 40);
      if (length > sent || mtu >= length) return false;
      this.#context.ip.lowerMtu(remote, mtu);
    }
    this.#waiting.delete(request.sequence);
    this.#news.push(() => this.#handler.failed(request.sequence, kind));
    return true;
  }

  wake(now: Instant): void {
    for (const { sequence, sentAt } of this.#waiting.values()) {
      const due = sentAt + this.#timeoutMs;
      if (due > now) return this.#context.timers.schedule(this, due);
      this.#waiting.delete(sequence);
      this.#news.push(() => this.#handler.failed(sequence, "timeout"));
    }
  }

  tell(): void {
    if (this.#news.length === 0) return;
    const news = this.#news;
    this.#news = [];
    const telling = new Telling();
    for (const tell of news) if (!this.#closed) telling.call(tell, this);
    telling.end();
  }

  /** Nothing is told any more. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#context.timers.remove(this);
    this.#forget();
  }
}
