/**
 * TCP of one stack: finds out whom a segment is for, lets connections take turns at sending, tells their users, and ends them.
 * Connections, half-open ones and those in TIME-WAIT share one table; listeners are found by port.
 */
import type { IpAddress } from "../address.ts";
import type { Inbound } from "../inbound.ts";
import { Telling } from "../telling.ts";
import type { Context, Flow, IcmpError, Transport } from "../transport.ts";
import { arrive } from "./arrival.ts";
import { CLOSED, CONNECTED, Connection, DRAINED, READABLE, WRITABLE } from "./connection.ts";
import { ACK, CHALLENGES_ALL, CONNECT_TIMEOUT, FIN, FIN_WAIT_2, HEADER_BYTES, RST, SYN } from "./constants.ts";
import { SynCookies } from "./cookies.ts";
import type { TcpConnectOptions, TcpFailure, TcpListenOptions, TcpServer, TcpService, TcpStream } from "./face.ts";
import type { HalfOpen } from "./half-open.ts";
import { takeIcmp } from "./icmp.ts";
import { Listener } from "./listener.ts";
import { Numbers } from "./numbers.ts";
import { reply, sendReply } from "./reply.ts";
import { Segment } from "./segment.ts";
import { wireNumber } from "./sequence.ts";
import { type Entry, Table } from "./table.ts";
import { TIME_WAIT_BYTES, TimeWait } from "./time-wait.ts";
import { Turns } from "./turns.ts";

/** Records of ended connections; beyond, none is kept, as systems do. */
const TIME_WAITS_MAX = 32_768;

export interface Ends {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
}

export class Tcp implements Transport, TcpService {
  readonly context: Context;
  readonly table: Table;
  readonly cookies: SynCookies;
  readonly #numbers: Numbers;
  readonly #listeners = new Map<number, Listener[]>();
  readonly #segment = new Segment();
  /** All whose end was not told yet. */
  readonly #connections = new Set<Connection>();
  readonly #turns: Turns;
  #telling: Connection[] = [];
  readonly #accepting = new Set<Listener>();
  readonly #failures = new WeakMap<Connection, TcpFailure>();
  #timeWaits = 0;
  #challengesAt = 0;
  #challenges = 0;

  constructor(context: Context) {
    this.context = context;
    this.table = new Table(context.random);
    this.cookies = new SynCookies(context.random);
    this.#turns = new Turns(context);
    this.#numbers = new Numbers(context.random);
  }

  #closed = false;

  // ── the users' calls ───────────────────────────────────────────────────────────────────────────────────────

  connect(options: TcpConnectOptions): TcpStream | TcpFailure {
    const { ip, counters } = this.context;
    const { remote, remotePort, handler } = options;
    if (this.#closed) return "ENETDOWN";
    if (remote.unspecified || remote.multicast) return "ENETUNREACH";
    const local = options.local ?? ip.source(remote);
    if (local === undefined || !ip.mayReach(remote)) return "ENETUNREACH";
    if (local.family !== remote.family || !ip.isOurs(local)) return "EADDRNOTAVAIL";
    const port = this.#choosePort(local, remote, options);
    if (port === 0) return options.localPort ? "EADDRINUSE" : "EADDRNOTAVAIL";
    const c = new Connection(this, local, port, remote, remotePort);
    c.iss = this.initialNumber(local, port, remote, remotePort);
    c.configure(options);
    if (handler !== undefined) c.handler = handler;
    // Counted from the turn that this call asks for: the stack may not have been told the time for long.
    c.connectWithin = options.timeoutMs ?? CONNECT_TIMEOUT;
    counters.add("tcpActiveOpens");
    this.adopt(c);
    this.touch(c);
    return c;
  }

  #choosePort(local: IpAddress, remote: IpAddress, { localPort, remotePort }: TcpConnectOptions): number {
    const free = (port: number) =>
      this.table.get(local, port, remote, remotePort) === undefined && this.#listener(local, port) === undefined;
    if (!localPort) return this.#numbers.port(local, remote, remotePort, free);
    return this.table.get(local, localPort, remote, remotePort) === undefined ? localPort : 0;
  }

  listen(options: TcpListenOptions): TcpServer | TcpFailure {
    const { local } = options;
    if (this.#closed) return "ENETDOWN";
    if (local !== undefined && !this.context.ip.isOurs(local)) return "EADDRNOTAVAIL";
    let { port } = options;
    if (port === 0) port = this.#freePort();
    if (port === 0) return "EADDRINUSE";
    const others = this.#listeners.get(port) ?? [];
    for (const other of others) {
      if (local === undefined || other.local === undefined || other.local.equals(local)) return "EADDRINUSE";
    }
    const listener = new Listener(this, port, options);
    this.#listeners.set(port, [...others, listener]);
    return listener;
  }

  #freePort(): number {
    const first = 32_768 + this.context.random.below(28_232);
    for (let i = 0; i < 28_232; i++) {
      const port = 32_768 + ((first + i) % 28_232);
      if (!this.#listeners.has(port)) return port;
    }
    return 0;
  }

  connections(): Iterable<TcpStream> {
    return this.#connections;
  }

  // ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────

  receive(packet: Inbound): void {
    const s = this.#segment;
    if (!s.read(packet, this.context.counters)) return;
    this.context.counters.add("tcpSegmentsIn");
    const entry = this.table.find(packet, s.destinationPort, s.sourcePort);
    switch (entry?.kind) {
      case "connection":
        return arrive(entry as Connection, s);
      case "half-open":
        return (entry as HalfOpen).listener.continue(entry as HalfOpen, s);
      case "time-wait":
        if (!(entry as TimeWait).arrive(s)) return;
        this.forgetTimeWait(entry as TimeWait);
        break;
      default:
    }
    this.#arriveAtNone(packet, s);
  }

  #arriveAtNone(packet: Inbound, s: Segment): void {
    const listener = this.#listenerOf(packet, s.destinationPort);
    if (listener !== undefined) return listener.arrive(packet, s);
    this.context.counters.add("tcpNoConnection");
    if ((s.flags & RST) !== 0) return;
    const ends = { localPort: s.destinationPort, remotePort: s.sourcePort };
    this.refuse(s, { ...ends, local: packet.destination(), remote: packet.source() });
  }

  #listenerOf(packet: Inbound, port: number): Listener | undefined {
    const all = this.#listeners.get(port);
    return all === undefined ? undefined : this.#listener(packet.destination(), port);
  }

  #listener(local: IpAddress, port: number): Listener | undefined {
    for (const each of this.#listeners.get(port) ?? []) {
      if (each.local === undefined || each.local.equals(local)) return each;
    }
    return undefined;
  }

  error(error: IcmpError): void {
    takeIcmp(this, error);
  }

  // ── out ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something may have to be sent, or a deadline has moved. */
  touch(c: Connection): void {
    this.#turns.touch(c);
  }

  /** The tunnel is not there yet: go on when it is. */
  hold(c: Connection): void {
    this.#turns.hold(c);
  }

  ready(): void {
    this.#turns.ready();
  }

  room(): void {
    this.#turns.room();
  }

  turn(): void {
    this.#turns.take();
  }

  // ── telling ────────────────────────────────────────────────────────────────────────────────────────────────

  toTell(c: Connection): void {
    if (c.telling) return;
    c.telling = true;
    this.#telling.push(c);
    this.context.wake();
  }

  toAccept(listener: Listener): void {
    this.#accepting.add(listener);
  }

  tell(): void {
    // Asked after each batch of packets and in each turn, often for nothing: that shall leave no garbage.
    if (this.#telling.length === 0 && this.#accepting.size === 0) return;
    const telling = new Telling();
    const listeners = [...this.#accepting];
    this.#accepting.clear();
    for (const { options } of listeners) telling.call(options.acceptable, options);
    const list = this.#telling;
    this.#telling = [];
    for (const c of list) {
      c.telling = false;
      const { events } = c;
      c.events = 0;
      if ((events & CONNECTED) !== 0) telling.call(c.handlerNow.connected, c.handlerNow);
      if (c.peerEnded) c.endTold = true;
      if ((events & READABLE) !== 0) telling.call(c.handlerNow.readable, c.handlerNow);
      if ((events & WRITABLE) !== 0) telling.call(c.handlerNow.writable, c.handlerNow);
      if ((events & DRAINED) !== 0) telling.call(c.handlerNow.drained, c.handlerNow);
      if ((events & CLOSED) === 0) continue;
      this.#letGo(c);
      telling.call(() => c.handlerNow.closed?.(this.#failures.get(c)), c);
      c.receiveQueue.clear();
    }
    telling.end();
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** A connection of ours begins. */
  adopt(c: Connection): void {
    this.table.add(c);
    this.#connections.add(c);
  }

  /** Nobody waits for its news any more. */
  #letGo(c: Connection): void {
    if (!this.#connections.delete(c)) return;
    this.context.budget.give(c.charge);
  }

  #remove(c: Connection): void {
    this.table.remove(c);
    this.#turns.forget(c);
    c.release();
  }

  /** It failed: the user is told. */
  fail(c: Connection, failure: TcpFailure): void {
    if (c.state === "CLOSED") return;
    this.#failures.set(c, failure);
    this.#remove(c);
    c.tell(CLOSED);
  }

  /** Both sides have ended, and nothing remains to be waited for. */
  finish(c: Connection): void {
    this.#remove(c);
    this.mayBeOver(c);
  }

  /** Both sides have ended, ours first. */
  timeWait(c: Connection): void {
    const owed = c.acknowledge === "now";
    this.#remove(c);
    const record = new TimeWait(this, c);
    if (owed) record.acknowledge();
    if (this.#mayWait()) {
      this.#timeWaits += 1;
      this.table.add(record);
      record.start();
    }
    c.state = "TIME-WAIT";
    this.mayBeOver(c);
  }

  /** Records of ended connections keep no memory from those that work. */
  #mayWait(): boolean {
    const { budget } = this.context;
    if (this.#timeWaits >= TIME_WAITS_MAX || this.#timeWaits * TIME_WAIT_BYTES > budget.share) return false;
    return budget.take(TIME_WAIT_BYTES);
  }

  /** The end is told once everything was read. */
  mayBeOver(c: Connection): void {
    if (c.state !== "CLOSED" && c.state !== "TIME-WAIT") return;
    if ((c.readableBytes === 0 || c.deaf) && this.#connections.has(c)) c.tell(CLOSED);
  }

  forgetTimeWait(record: TimeWait): void {
    this.table.remove(record);
    this.context.timers.remove(record);
    this.context.budget.give(TIME_WAIT_BYTES);
    this.#timeWaits -= 1;
  }

  /** Nobody reads any more: the peer has to end within a time. */
  limitFinWait(c: Connection): void {
    c.giveUpAt = this.context.now + FIN_WAIT_2;
    this.touch(c);
  }

  /** The user wants no more of it; the peer is told by a reset. */
  abort(c: Connection): void {
    const { state } = c;
    if (state !== "CLOSED" && state !== "TIME-WAIT") {
      if (state !== "SYN-SENT") this.#reset(c, wireNumber(c.nxt, c.iss), wireNumber(c.receiveNext, c.irs), RST | ACK);
      this.#remove(c);
    }
    this.#letGo(c);
    c.receiveQueue.clear();
    c.events = 0;
  }

  forgetListener(listener: Listener): void {
    const rest = (this.#listeners.get(listener.port) ?? []).filter((each) => each !== listener);
    if (rest.length === 0) this.#listeners.delete(listener.port);
    else this.#listeners.set(listener.port, rest);
    this.#accepting.delete(listener);
  }

  /** Answer a segment that nobody wants (RFC 9293 §3.10.7.1). */
  refuse(s: Segment, ends: Ends): void {
    if ((s.flags & RST) !== 0) return;
    if ((s.flags & ACK) !== 0) return this.#reset(ends, s.acknowledgement, 0, RST);
    const length = s.payloadBytes + ((s.flags & SYN) >> 1) + (s.flags & FIN);
    this.#reset(ends, 0, (s.sequence + length) | 0, RST | ACK);
  }

  #reset(ends: Ends & Partial<Flow>, sequence: number, acknowledgement: number, flags: number): void {
    reply.clear();
    reply.sourcePort = ends.localPort;
    reply.destinationPort = ends.remotePort;
    reply.sequence = sequence;
    reply.acknowledgement = acknowledgement;
    reply.flags = flags;
    reply.window = 0;
    this.context.counters.add("tcpResetsOut");
    const { trafficClass = 0, hopLimit = 0 } = ends;
    sendReply(this.context, { local: ends.local, remote: ends.remote, trafficClass, hopLimit });
  }

  close(): void {
    this.#closed = true;
    for (const c of [...this.#connections]) this.abort(c);
    for (const entry of [...this.table.entries()]) this.#forget(entry);
    this.#listeners.clear();
    this.#turns.clear();
    this.#telling = [];
  }

  #forget(entry: Entry): void {
    if (entry.kind === "half-open") (entry as HalfOpen).listener.forget(entry as HalfOpen);
    else if (entry.kind === "time-wait") this.forgetTimeWait(entry as TimeWait);
  }

  // ── what connections ask for ───────────────────────────────────────────────────────────────────────────────

  initialNumber(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number {
    return this.#numbers.initial(local, localPort, remote, remotePort, this.context.now);
  }

  timestampOffset(local: IpAddress, remote: IpAddress): number {
    return this.#numbers.timestampOffset(local, remote);
  }

  ownMss(remote: IpAddress): number {
    return this.context.ip.pathMtu(remote) - (remote.family === 4 ? 20 : 40) - HEADER_BYTES;
  }

  /** RFC 5961 §7: challenges in a second, of all connections together. */
  mayChallenge(): boolean {
    const { now } = this.context;
    if (now - this.#challengesAt >= 1000) {
      this.#challengesAt = now;
      this.#challenges = 0;
    }
    this.#challenges += 1;
    return this.#challenges <= CHALLENGES_ALL;
  }
}
