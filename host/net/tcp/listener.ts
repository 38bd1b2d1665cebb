/**
 * A port that connections are taken at. A SYN makes a half-open record; the peer's answer makes of it a connection that waits for
 * `accept`. When the records are used up SYNs are answered by cookies, when the connections that wait are, by nothing: the peer tries again.
 */
import type { IpAddress } from "../address.ts";
import type { Inbound } from "../inbound.ts";
import { arrive } from "./arrival.ts";
import { Connection } from "./connection.ts";
import {
  ACK,
  DEFAULT_MSS_IPV4,
  DEFAULT_MSS_IPV6,
  FIN,
  MSS_MIN,
  RST,
  SYN,
  WINDOW_SCALE,
  WINDOW_SCALE_MAX,
} from "./constants.ts";
import type { TcpListenOptions, TcpServer, TcpStream } from "./face.ts";
import { HALF_OPEN_BYTES, HalfOpen, type SynOptions, WINDOW_OF_SYN, writeSynAck } from "./half-open.ts";
import { sendReply } from "./reply.ts";
import type { Segment } from "./segment.ts";
import type { Ends, Tcp } from "./tcp.ts";

const BACKLOG = 511;
/** Of a connection that a peer made; our own are the user's affair. 2533 were measured for one that is idle (npm run bench:net). */
const CONNECTION_BYTES = 2560;
/** Cookies are believed for so long after one was sent. */
const COOKIE_LIFE = 128_000;

export class Listener implements TcpServer {
  readonly tcp: Tcp;
  readonly port: number;
  readonly local: IpAddress | undefined;
  readonly options: TcpListenOptions;
  readonly #backlog: number;
  #halfOpen = 0;
  #waiting: Connection[] = [];
  /** Of the last SYN: records of one address share its object. */
  #lastLocal: IpAddress | undefined;
  #cookieAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(tcp: Tcp, port: number, options: TcpListenOptions) {
    this.tcp = tcp;
    this.port = port;
    this.local = options.local;
    this.options = options;
    this.#backlog = Math.max(1, options.backlog ?? BACKLOG);
  }

  get halfOpen(): number {
    return this.#halfOpen;
  }

  accept(): TcpStream | undefined {
    for (;;) {
      const c = this.#waiting.shift();
      // It may have been reset while it waited.
      if (c === undefined || c.state !== "CLOSED" || c.readableBytes > 0) return c;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const entry of [...this.tcp.table.entries()]) {
      if (entry instanceof HalfOpen && entry.listener === this) this.forget(entry);
    }
    for (const c of this.#waiting.splice(0)) c.abort();
    this.tcp.forgetListener(this);
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────────

  /** A segment that belongs to no connection came to this port. */
  arrive(packet: Inbound, s: Segment): void {
    const { counters } = this.tcp.context;
    if ((s.flags & RST) !== 0) return counters.add("tcpNoConnection");
    if ((s.flags & ACK) !== 0) return this.#acknowledged(packet, s);
    // A request that ends at once is none: only scanners send such.
    if ((s.flags & (SYN | FIN)) !== SYN) return counters.add("tcpNoConnection");
    // Before anything is kept: whoever could not be taken shall try again.
    if (this.#isFull()) return counters.add("tcpBacklog");
    const local = this.#localOf(packet);
    const remote = packet.source();
    const options = synOptions(s, remote);
    if (this.#halfOpen >= this.#backlog || !this.tcp.context.budget.take(HALF_OPEN_BYTES)) {
      return this.#sendCookie(local, remote, s, options);
    }
    const record = new HalfOpen(
      this,
      local,
      remote,
      s.sourcePort,
      {
        iss: this.tcp.initialNumber(local, this.port, remote, s.sourcePort),
        irs: s.sequence,
        timestamp: s.timestamp,
        timestampOffset: this.tcp.timestampOffset(local, remote),
      },
      options,
    );
    this.#halfOpen += 1;
    this.tcp.table.add(record);
    record.answer();
  }

  /** A segment for a half-open connection. */
  continue(record: HalfOpen, s: Segment): void {
    const { counters } = this.tcp.context;
    const ahead = (s.sequence - record.irs - 1) | 0;
    if ((s.flags & RST) !== 0) {
      // RFC 5961 §3: the very next number only.
      if (ahead === 0) this.forget(record);
      else counters.add("tcpBlind");
      return;
    }
    if ((s.flags & SYN) !== 0) {
      // Our answer was lost. Another number is somebody else's, or a peer that starts anew; it will find out by our answer.
      if (record.answers < 16) record.answer();
      return;
    }
    if ((s.flags & ACK) === 0) return counters.add("tcpAcknowledgement");
    if (s.acknowledgement !== ((record.iss + 1) | 0)) {
      // The same request may have been answered by a cookie first, and have got the record when it was sent again.
      if (ahead === 0 && this.#cookieReturns(record, s) === undefined) return;
      counters.add("tcpAcknowledgement");
      return this.tcp.refuse(s, record);
    }
    const old = record.options.timestamps && ((s.timestamp - record.timestampRecent) | 0) < 0;
    if (ahead < 0 || ahead > WINDOW_OF_SYN || old || (record.options.timestamps && !s.hasTimestamps)) {
      counters.add(ahead < 0 || ahead > WINDOW_OF_SYN ? "tcpWindow" : "tcpPaws");
      return;
    }
    if (!this.#hasRoom()) return;
    const { now } = this.tcp.context;
    this.forget(record);
    const c = this.#open(record.local, record.remote, s, record.iss, record.irs, record.options);
    if (record.answers === 1) c.roundTrip.sample(now - record.sentAt, now);
    else if (!record.options.timestamps) c.roundTrip.startAfterSynLoss();
    arrive(c, s);
  }

  forget(record: HalfOpen): void {
    this.#halfOpen -= 1;
    this.tcp.table.remove(record);
    this.tcp.context.timers.remove(record);
    this.tcp.context.budget.give(HALF_OPEN_BYTES);
  }

  /** Whether as many wait as may; one that was reset meanwhile has given its place free. */
  #isFull(): boolean {
    if (this.#waiting.length < this.#backlog) return false;
    this.#waiting = this.#waiting.filter((c) => c.state !== "CLOSED" || c.readableBytes > 0);
    return this.#waiting.length >= this.#backlog;
  }

  /** For one more connection: a place, and memory, which is taken. Without it the peer's acknowledgement is as if it were lost. */
  #hasRoom(): boolean {
    const { budget, counters } = this.tcp.context;
    const refused = this.#isFull() ? "tcpBacklog" : budget.take(CONNECTION_BYTES) ? undefined : "tcpMemory";
    if (refused !== undefined) counters.add(refused);
    return refused === undefined;
  }

  #localOf(packet: Inbound): IpAddress {
    const local = packet.destination();
    if (this.#lastLocal?.equals(local)) return this.#lastLocal;
    this.#lastLocal = local;
    return local;
  }

  // ── cookies ────────────────────────────────────────────────────────────────────────────────────────────────

  #sendCookie(local: IpAddress, remote: IpAddress, s: Segment, options: SynOptions): void {
    const { context, cookies } = this.tcp;
    const { now } = context;
    this.#cookieAt = now;
    context.counters.add("tcpCookiesSent");
    const ports = (s.sourcePort << 16) | this.port;
    const iss = cookies.make(local, remote, ports, s.sequence, options.mss, now);
    const clock = (Math.floor(now) + this.tcp.timestampOffset(local, remote)) | 0;
    // Without timestamps there is no place for the scale and SACK.
    const kept = options.timestamps ? options : { ...options, windowScale: -1, sackPermitted: false };
    const ends = { localPort: this.port, remotePort: s.sourcePort, local, remote };
    const { trafficClass = 0, hopLimit = 0 } = this.options;
    writeSynAck(this, ends, iss, s.sequence, kept, cookies.timestamp(clock, options), s.timestamp);
    sendReply(context, { local, remote, trafficClass, hopLimit });
  }

  #acknowledged(packet: Inbound, s: Segment): void {
    const local = packet.destination();
    const remote = packet.source();
    const ends = { local, localPort: this.port, remote, remotePort: s.sourcePort };
    const refused = this.#cookieReturns(ends, s);
    if (refused === undefined) return;
    this.tcp.context.counters.add(refused);
    this.tcp.refuse(s, ends);
  }

  /** A cookie that comes back makes a connection, as soon as there is room, and of the half-open one too; or else: what to count. */
  #cookieReturns(ends: Ends | HalfOpen, s: Segment): "tcpNoConnection" | "tcpCookie" | undefined {
    const { context, cookies } = this.tcp;
    const { now } = context;
    const { local, remote } = ends;
    if (now - this.#cookieAt > COOKIE_LIFE || (s.flags & SYN) !== 0) return "tcpNoConnection";
    const iss = (s.acknowledgement - 1) | 0;
    const irs = (s.sequence - 1) | 0;
    const mss = cookies.check(local, remote, (s.sourcePort << 16) | this.port, irs, iss, now);
    if (mss === 0) return "tcpCookie";
    if (!this.#hasRoom()) return undefined;
    if (ends instanceof HalfOpen) this.forget(ends);
    const options: SynOptions = s.hasTimestamps
      ? cookies.options(s.timestampEcho, mss)
      : { mss, windowScale: -1, sackPermitted: false, timestamps: false };
    arrive(this.#open(local, remote, s, iss, irs, options), s);
    return undefined;
  }

  // ── made ───────────────────────────────────────────────────────────────────────────────────────────────────

  #open(local: IpAddress, remote: IpAddress, s: Segment, iss: number, irs: number, options: SynOptions): Connection {
    const c = new Connection(this.tcp, local, this.port, remote, s.sourcePort);
    c.charge = CONNECTION_BYTES;
    c.configure(this.options);
    c.iss = iss;
    c.irs = irs;
    c.peerMss = options.mss;
    c.timestamps = options.timestamps;
    c.sackPermitted = options.sackPermitted;
    if (options.windowScale >= 0) {
      c.sendScale = options.windowScale;
      c.receiveScale = WINDOW_SCALE;
    }
    c.timestampRecent = s.timestamp;
    c.timestampRecentAt = this.tcp.context.now;
    c.una = c.nxt = 1;
    c.lastAcknowledged = 1;
    c.receiveWindow.edge = 1 + WINDOW_OF_SYN;
    c.peerWindow = c.peerWindowMost = s.window * 2 ** c.sendScale;
    this.tcp.context.counters.add("tcpPassiveOpens");
    this.tcp.adopt(c);
    c.establish();
    this.#waiting.push(c);
    this.tcp.toAccept(this);
    return c;
  }
}

function synOptions(s: Segment, remote: IpAddress): SynOptions {
  const assumed = remote.family === 4 ? DEFAULT_MSS_IPV4 : DEFAULT_MSS_IPV6;
  return {
    mss: s.mss === 0 ? assumed : Math.max(s.mss, MSS_MIN),
    windowScale: Math.min(s.windowScale, WINDOW_SCALE_MAX),
    sackPermitted: s.sackPermitted,
    timestamps: s.hasTimestamps,
  };
}
