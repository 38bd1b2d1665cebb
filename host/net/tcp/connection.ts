/**
 * One connection: the state that RFC 9293 §3.3.1 calls TCB, and the calls of its user. What happens to it lies in files of its own:
 * arrival.ts takes segments in, acknowledgement.ts what they acknowledge, transmit.ts sends, deadlines.ts says what time brings.
 *
 *   CLOSED ─ connect ─▶ SYN-SENT ─ SYN+ACK ─▶ ESTABLISHED ◀─ ACK ─ half-open.ts (or SYN-RECEIVED, when both connect at once)
 *   ESTABLISHED ─ FIN sent ─▶ FIN-WAIT-1 ─ ACK ─▶ FIN-WAIT-2 ─ FIN ─▶ TIME-WAIT (time-wait.ts)
 *                                 └─ FIN ─▶ CLOSING ─ ACK ─▶ TIME-WAIT
 *   ESTABLISHED ─ FIN came ─▶ CLOSE-WAIT ─ FIN sent ─▶ LAST-ACK ─ ACK ─▶ CLOSED
 *
 * Positions instead of sequence numbers: see sequence.ts.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import type { Ownership } from "../inbound.ts";
import type { Flow, Timer } from "../transport.ts";
import type { CongestionControl } from "./congestion.ts";
import { BUFFER_MAX, DEFAULT_MSS_IPV4, DEFAULT_MSS_IPV6, HEADER_BYTES, SEND_BUFFER_MIN } from "./constants.ts";
import { Cubic } from "./cubic.ts";
import { clearDeadlines, wake } from "./deadlines.ts";
import type { KeepAlive, TcpFailure, TcpHandler, TcpOptions, TcpState, TcpStatistics, TcpStream } from "./face.ts";
import type { PathSearch } from "./path-search.ts";
import { Rack } from "./rack.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { Recovery } from "./recovery.ts";
import { RoundTrip } from "./round-trip.ts";
import { Scoreboard } from "./scoreboard.ts";
import { SendQueue } from "./send-queue.ts";
import { Entry } from "./table.ts";
import type { Tcp } from "./tcp.ts";

/** What is to be told to the user at the end of the turn. */
export const CONNECTED = 1;
export const READABLE = 2;
export const WRITABLE = 4;
export const DRAINED = 8;
export const CLOSED = 16;

/** IPv4 or IPv6 header. */
const IP_BYTES = { 4: 20, 6: 40 } as const;
const TIMESTAMP_BYTES = 12;

const NOBODY: TcpHandler = {};

export class Connection extends Entry implements TcpStream, Flow, Timer {
  readonly kind = "connection";
  readonly tcp: Tcp;
  /** Bytes taken from the budget for the connection itself, besides what is queued. */
  charge = 0;
  handlerNow: TcpHandler = NOBODY;
  state: TcpState = "SYN-SENT";
  trafficClass = 0;
  hopLimit = 0;
  coalesce: "nagle" | "no-delay" = "nagle";
  keepAlive: KeepAlive | undefined = undefined;
  userTimeout = 0;
  /** Wants a turn; what is to be told; in the list of those to be told. */
  touched = false;
  events = 0;
  telling = false;
  /** Its deadlines are not in the timers yet. */
  deadlinesMoved = false;

  // ── what was agreed on
  /** Initial sequence numbers, ours and the peer's. */
  iss = 0;
  irs = 0;
  timestamps = false;
  timestampOffset = 0;
  sackPermitted = false;
  sendScale = 0;
  receiveScale = 0;
  peerMss: number;

  // ── sending
  readonly sendQueue: SendQueue;
  readonly scoreboard = new Scoreboard();
  readonly roundTrip = new RoundTrip();
  readonly rack = new Rack();
  readonly recovery = new Recovery();
  control: CongestionControl;
  /** First position not acknowledged; next to be sent. */
  una = 0;
  nxt = 0;
  /** The peer's window in bytes, the largest it had, and the segment that told it (RFC 9293: SND.WL1, SND.WL2). */
  peerWindow = 0;
  peerWindowMost = 0;
  windowSequence = 0;
  windowAcknowledgement = 0;
  /** Payload of a full segment. */
  segment = 0;
  mtuEpoch = -1;
  /** Set when black-hole detection lowered it; largest IP packet. */
  mtuLimit = Number.POSITIVE_INFINITY;
  pathSearch: PathSearch | undefined = undefined;
  /** End of the last segment sent that was not full (Minshall's Nagle). */
  smallEnd = 0;
  /** What was to be sent next when the congestion window last stopped us; -1: never. */
  limitedAt = -1;
  /** Our side has ended: shutdown or close was called. */
  shut = false;
  /** Position of our FIN once it was sent; -1 before. */
  finAt = -1;
  duplicateAcks = 0;
  /** Segments that duplicate acknowledgements stand for, without SACK. */
  renoDelivered = 0;
  /** Tail loss probe: what was to be acknowledged when it left, -1 outside of one; whether it was data sent before. */
  probeEnd = -1;
  probeRepeats = false;
  lastSentAt: Instant;
  refusedWrite = false;
  undrained = false;

  // ── receiving
  readonly receiveQueue: ReceiveQueue;
  readonly receiveWindow: ReceiveWindow;
  /** Position of the peer's FIN, -1 unknown; whether all before it has come. */
  peerFinAt = -1;
  peerEnded = false;
  /** The user takes nothing any more. */
  deaf = false;
  endTold = false;
  timestampRecent = 0;
  timestampRecentAt: Instant = 0;
  /** Acknowledgement number sent last. */
  lastAcknowledged = 0;
  acknowledge: "no" | "later" | "now" = "no";
  /** Payload that came since then; largest segment seen. */
  unacknowledgedBytes = 0;
  peerSegment = 0;
  quickAcks = 0;
  /** Without SACK: duplicate acknowledgements that are owed. */
  owedDuplicates = 0;
  /** Range that came twice, for a D-SACK; start -1 without. */
  duplicateStart = -1;
  duplicateEnd = 0;
  lastHeardAt: Instant;
  challengesAt: Instant = 0;
  challenges = 0;

  // ── time; NEVER where nothing is set
  wakeAt: Instant = NEVER;
  heapIndex = -1;
  /** One timer for retransmission, tail loss probe, and probes of a closed window. */
  retransmitAt: Instant = NEVER;
  retransmitKind: "timeout" | "tail-probe" | "window-probe" = "timeout";
  reorderAt: Instant = NEVER;
  delayedAckAt: Instant = NEVER;
  keepAliveAt: Instant = NEVER;
  keepAliveProbes = 0;
  paceAt: Instant = 0;
  pacing = false;
  /** Until the connection has to be made; until the peer has to end its side, once nobody reads. */
  giveUpAt: Instant = NEVER;
  /** Milliseconds that the next turn makes `giveUpAt` of; 0 for none. */
  connectWithin = 0;
  /** Timeouts in a row; when the first of what is not acknowledged was sent, or the window closed. */
  timeoutsInRow = 0;
  stalledSince: Instant = NEVER;
  softFailure: TcpFailure | undefined = undefined;

  // ── statistics
  segmentsOut = 0;
  segmentsIn = 0;
  bytesRetransmitted = 0;
  timeouts = 0;

  constructor(tcp: Tcp, local: IpAddress, localPort: number, remote: IpAddress, remotePort: number) {
    super(local, localPort, remote, remotePort);
    this.tcp = tcp;
    const { budget, now } = tcp.context;
    this.sendQueue = new SendQueue(budget);
    this.receiveQueue = new ReceiveQueue(budget);
    this.receiveWindow = new ReceiveWindow(budget);
    this.lastSentAt = this.lastHeardAt = now;
    this.peerMss = remote.family === 4 ? DEFAULT_MSS_IPV4 : DEFAULT_MSS_IPV6;
    this.control = new Cubic(this.peerMss);
    this.timestampOffset = tcp.timestampOffset(local, remote);
  }

  // ── sizes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What we tell the peer (RFC 6691): the path's packet without any options. */
  get ownMss(): number {
    return this.tcp.context.ip.pathMtu(this.remote) - IP_BYTES[this.remote.family] - HEADER_BYTES;
  }

  /** The path or the peer's wishes may have changed: how large segments are. */
  measureSegment(): void {
    const { ip } = this.tcp.context;
    this.mtuEpoch = ip.mtuEpoch;
    const path = Math.min(ip.pathMtu(this.remote), this.mtuLimit) - IP_BYTES[this.remote.family] - HEADER_BYTES;
    const segment = Math.min(path, this.peerMss) - (this.timestamps ? TIMESTAMP_BYTES : 0);
    if (segment === this.segment) return;
    this.segment = segment;
    this.control.segmentSize(segment);
  }

  /** Bytes of the IP packet that carries so much payload. */
  packetBytes(payload: number): number {
    return payload + this.ipBytes + HEADER_BYTES + (this.timestamps ? TIMESTAMP_BYTES : 0);
  }

  /** Bytes of IP header, in front of each segment. */
  get ipBytes(): number {
    return IP_BYTES[this.remote.family];
  }

  /** The handshake is done and options are known. */
  establish(): void {
    this.state = "ESTABLISHED";
    this.measureSegment();
    this.control = new Cubic(this.segment);
    this.giveUpAt = NEVER;
    this.heard();
    this.tell(CONNECTED);
  }

  /** Next position expected from the peer. */
  get receiveNext(): number {
    return this.receiveQueue.next + (this.peerEnded ? 1 : 0);
  }

  /** Something came from the peer. */
  heard(): void {
    this.lastHeardAt = this.tcp.context.now;
    this.keepAliveProbes = 0;
    if (this.keepAlive !== undefined) this.keepAliveAt = this.lastHeardAt + this.keepAlive.idleMs;
  }

  /** There is something to be told at the end of the turn. */
  tell(event: number): void {
    this.events |= event;
    this.tcp.toTell(this);
  }

  wake(now: Instant): void {
    wake(this, now);
  }

  // ── the user's calls ───────────────────────────────────────────────────────────────────────────────────────

  get handler(): TcpHandler {
    return this.handlerNow;
  }

  set handler(handler: TcpHandler) {
    this.handlerNow = handler;
    if (this.receiveQueue.length > 0 || (this.peerEnded && !this.endTold)) this.tell(READABLE);
    if (this.events !== 0) this.tell(0);
  }

  read(limit = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const bytes = this.receiveQueue.read(limit);
    if (bytes === undefined) return undefined;
    this.receiveWindow.read(bytes.length, this.roundTrip.smoothed, this.tcp.context.now);
    if (!this.peerEnded && this.receiveWindow.worthTelling(this.receiveQueue, this.peerSegment, this.receiveScale)) {
      this.acknowledge = "now";
      this.tcp.touch(this);
    }
    if (this.ended) this.tcp.mayBeOver(this);
    return bytes;
  }

  get readableBytes(): number {
    return this.receiveQueue.length;
  }

  get ended(): boolean {
    return this.peerEnded && this.receiveQueue.length === 0;
  }

  get room(): number {
    if (this.shut || this.state === "CLOSED" || this.state === "TIME-WAIT") return 0;
    // Twice the window: what is in flight, and what is to follow at once.
    const wanted = Math.max(SEND_BUFFER_MIN, Math.min(2 * this.control.window, BUFFER_MAX));
    return Math.max(0, Math.floor(Math.min(wanted, this.tcp.context.budget.share)) - this.sendQueue.length);
  }

  write(bytes: Uint8Array, ownership: Ownership): number {
    const taken = Math.min(bytes.length, this.room);
    const part = taken === bytes.length ? bytes : bytes.subarray(0, taken);
    if (taken < bytes.length) this.refusedWrite = !this.shut;
    if (taken === 0 || !this.sendQueue.append(part, ownership)) return 0;
    this.undrained = true;
    this.tcp.touch(this);
    return taken;
  }

  shutdown(): void {
    if (this.shut || this.state === "CLOSED") return;
    this.shut = true;
    this.tcp.touch(this);
  }

  close(): void {
    if (this.state === "CLOSED" || this.state === "SYN-SENT" || this.deaf) return this.abort();
    this.deaf = true;
    // RFC 9293 §3.6.1: whoever leaves data unread has the peer know that it was lost.
    if (this.receiveQueue.length > 0) return this.abort();
    this.shutdown();
    if (this.state === "FIN-WAIT-2") this.tcp.limitFinWait(this);
    this.tcp.touch(this);
    this.tcp.mayBeOver(this);
  }

  abort(): void {
    this.handlerNow = NOBODY;
    this.tcp.abort(this);
  }

  configure(options: TcpOptions): void {
    if (options.coalesce !== undefined) this.coalesce = options.coalesce;
    if (options.userTimeoutMs !== undefined) this.userTimeout = options.userTimeoutMs;
    if (options.trafficClass !== undefined) this.trafficClass = options.trafficClass & 0xfc;
    if (options.hopLimit !== undefined) this.hopLimit = options.hopLimit;
    if ("keepAlive" in options) {
      this.keepAlive = options.keepAlive;
      this.keepAliveAt = this.keepAlive === undefined ? NEVER : this.lastHeardAt + this.keepAlive.idleMs;
    }
    this.tcp.touch(this);
  }

  /** Give back all that it holds; it is in no table any more. */
  release(): void {
    this.state = "CLOSED";
    clearDeadlines(this);
    this.tcp.context.timers.remove(this);
    this.sendQueue.clear();
    this.scoreboard.clear();
  }

  statistics(): TcpStatistics {
    const { roundTrip, control, scoreboard } = this;
    const known = (value: number) => (roundTrip.known ? value : undefined);
    const finAcknowledged = this.finAt >= 0 && this.una > this.finAt ? 1 : 0;
    return {
      state: this.state,
      bytesOut: Math.max(0, this.una - 1 - finAcknowledged),
      bytesIn: this.receiveQueue.next - 1,
      segmentsOut: this.segmentsOut,
      segmentsIn: this.segmentsIn,
      bytesRetransmitted: this.bytesRetransmitted,
      timeouts: this.timeouts,
      rttMs: known(roundTrip.smoothed),
      rttVariationMs: known(roundTrip.variation),
      rttLeastMs: known(roundTrip.least),
      retransmissionTimeoutMs: roundTrip.timeout,
      congestionWindow: control.window,
      slowStartThreshold: control.threshold,
      bytesInFlight: scoreboard.inFlight,
      peerWindow: this.peerWindow,
      receiveWindow: this.receiveWindow.edge - this.receiveNext,
      segmentBytes: this.segment,
      sendQueue: this.sendQueue.length,
      receiveQueue: this.receiveQueue.length,
    };
  }
}
