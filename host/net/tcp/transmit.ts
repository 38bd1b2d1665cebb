/**
 * Sending: what is lost, what is new, acknowledgements. One packet for each call, up to 64 KiB of it, so that connections take turns
 * and a sink that is full loses nothing. Sizes follow the peer's window, the congestion window, Nagle and the pace.
 */

import { TCP } from "../ip/protocols.ts";
import { PACKET_BYTES_MAX } from "../vnet.ts";
import { inFlight } from "./acknowledgement.ts";
import type { Connection } from "./connection.ts";
import { ACK, CHECKSUM_OFFSET, FIN, HEADER_BYTES, PSH, SYN, WINDOW_SCALE } from "./constants.ts";
import { armRetransmission, armWindowProbe } from "./deadlines.ts";
import { pathProbeBytes, pathProbeLost } from "./path-search.ts";
import type { Run } from "./scoreboard.ts";
import { Header } from "./segment.ts";
import { wireNumber } from "./sequence.ts";

/** "nothing": nothing may be sent now. "full": the sink has no room. */
export type Sent = "sent" | "nothing" | "full";

/** As many segments as every system takes at once. */
const SEGMENTS_MAX = 64;
const OPTIONS_MAX = 40;
/** Pacing: below this round trip timers are too coarse to help. */
const PACED_ROUND_TRIP = 3;
/** At most this much of its rate leaves at once, and as much may be caught up on after a timer that came late. */
const PACE_BURST = 2;
const PACE_SLOW_START = 2;
const PACE_AVOIDANCE = 1.25;

/** One at a time, for all connections. */
const header = new Header();
const blocks: number[] = new Array(8).fill(0);

/** Send the next packet that may leave. */
export function transmit(c: Connection): Sent {
  if (c.state === "SYN-SENT" || c.state === "SYN-RECEIVED") return transmitSyn(c);
  if (c.state === "CLOSED" || c.state === "TIME-WAIT") return "nothing";
  if (c.mtuEpoch !== c.tcp.context.ip.mtuEpoch) c.measureSegment();
  if (c.owedDuplicates > 0) {
    c.owedDuplicates -= 1;
    return sendAcknowledgement(c);
  }
  // Data carries no SACK blocks: they would take from the segment's size.
  if (c.acknowledge === "now" && (c.receiveQueue.outOfOrder || c.duplicateStart >= 0)) return sendAcknowledgement(c);
  const lost = c.scoreboard.firstLost();
  const data = lost === undefined ? sendNew(c) : resend(c, lost);
  if (data !== "nothing") return data;
  return c.acknowledge === "now" ? sendAcknowledgement(c) : "nothing";
}

// ── the beginning ────────────────────────────────────────────────────────────────────────────────────────────────

function transmitSyn(c: Connection): Sent {
  const first = c.nxt === 0;
  const run = c.scoreboard.firstLost();
  if (!first && run === undefined && c.acknowledge !== "now") return "nothing";
  // Held back while the tunnel is not there: lost, it would be missed for a second.
  if (c.state === "SYN-SENT" && !c.tcp.context.ip.ready(c.remote)) {
    c.tcp.hold(c);
    return "nothing";
  }
  if (!emitSyn(c)) return "full";
  const { now } = c.tcp.context;
  if (first) {
    c.nxt = 1;
    c.scoreboard.sent(0, 1, now);
  } else if (run !== undefined) {
    c.scoreboard.resent(run, 1, now);
    c.tcp.context.counters.add("tcpRetransmits");
  }
  armRetransmission(c);
  return "sent";
}

function emitSyn(c: Connection): boolean {
  header.clear();
  const answer = c.state === "SYN-RECEIVED";
  header.mss = c.ownMss;
  header.windowScale = !answer || c.receiveScale > 0 ? WINDOW_SCALE : -1;
  header.sackPermitted = !answer || c.sackPermitted;
  header.hasTimestamps = !answer || c.timestamps;
  return emit(c, answer ? SYN | ACK : SYN, 0, 0, 0, 0);
}

// ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Bytes that congestion control lets out now. */
function allowance(c: Connection): number {
  return Math.floor(c.control.window) - inFlight(c);
}

/** Send again what is lost: the first part of a run. */
function resend(c: Connection, run: Run): Sent {
  const { segment, scoreboard } = c;
  const wanted = run.end - run.start;
  const allowed = allowance(c);
  // A window of less than a segment lets one out when nothing else is on the way.
  if (allowed < Math.min(wanted, segment) && inFlight(c) > 0) return "nothing";
  const most = paced(c, Math.max(whole(Math.min(allowed, bytesMax(c)), segment), segment));
  if (most <= 0) return "nothing";
  const bytes = Math.min(wanted, most);
  if (!emitRun(c, run.start, run.start + bytes)) return "full";
  const { now, counters } = c.tcp.context;
  pathProbeLost(c, run.start);
  scoreboard.resent(run, bytes, now);
  c.recovery.sent(bytes);
  c.recovery.resent(bytes, now);
  c.bytesRetransmitted += bytes;
  counters.add("tcpRetransmits");
  afterSending(c, bytes);
  return "sent";
}

function sendNew(c: Connection): Sent {
  const end = c.sendQueue.end;
  const { segment, nxt } = c;
  if (c.finAt >= 0) return "nothing";
  const available = end - nxt;
  if (available === 0) return c.shut ? sendFin(c, 0) : "nothing";
  const room = c.una + c.peerWindow - nxt;
  const allowed = allowance(c);
  const idle = c.scoreboard.bytes === 0;
  if (idle && c.tcp.context.now - c.lastSentAt > c.roundTrip.timeout) c.control.idle();
  let bytes = Math.min(available, room, allowed);
  const probe = pathProbeBytes(c, bytes);
  if (probe > 0) return sendPathProbe(c, probe);
  if (bytes < available) {
    if (allowed < Math.min(available, room)) c.limitedAt = nxt;
    if (bytes >= segment) bytes = whole(bytes, segment);
    // RFC 9293 §3.8.6.2.1: no silly segments, unless the peer's buffer is that small.
    else if (room < Math.min(available, segment) && 2 * bytes < c.peerWindowMost) bytes = 0;
    else if (allowed < segment && !idle) bytes = 0;
  }
  const partial = bytes % segment;
  if (bytes === available && partial > 0 && !mayBeSmall(c)) bytes -= partial;
  if (bytes <= 0) {
    if (idle && room < Math.min(available, segment)) armWindowProbe(c);
    return "nothing";
  }
  const most = paced(c, bytesMax(c));
  if (most <= 0) return "nothing";
  if (bytes > most) bytes = whole(most, segment);
  return nxt + bytes === end && c.shut ? sendFin(c, bytes) : sendData(c, bytes);
}

/** Minshall's form of Nagle's algorithm: at most one segment that is not full is on its way. */
function mayBeSmall(c: Connection): boolean {
  return c.coalesce === "no-delay" || c.shut || c.smallEnd <= c.una;
}

function sendData(c: Connection, bytes: number): Sent {
  const { nxt } = c;
  if (!emitRun(c, nxt, nxt + bytes)) return "full";
  c.nxt += bytes;
  if (bytes % c.segment !== 0) c.smallEnd = c.nxt;
  c.scoreboard.sent(nxt, c.nxt, c.tcp.context.now);
  c.recovery.sent(bytes);
  afterSending(c, bytes);
  return "sent";
}

/** One segment that is larger than others are. */
function sendPathProbe(c: Connection, bytes: number): Sent {
  const { nxt } = c;
  header.clear();
  header.hasTimestamps = c.timestamps;
  if (!emit(c, ACK | (nxt + bytes === c.sendQueue.end ? PSH : 0), nxt, nxt, nxt + bytes, bytes)) return "full";
  c.pathSearch?.sent(nxt, nxt + bytes, c.packetBytes(bytes));
  c.nxt += bytes;
  c.scoreboard.sent(nxt, c.nxt, c.tcp.context.now);
  afterSending(c, bytes);
  return "sent";
}

/** The last bytes, and the end. */
function sendFin(c: Connection, bytes: number): Sent {
  const { nxt } = c;
  c.finAt = nxt + bytes;
  if (!emitRun(c, nxt, c.finAt + 1)) {
    c.finAt = -1;
    return "full";
  }
  c.nxt = c.finAt + 1;
  c.scoreboard.sent(nxt, c.nxt, c.tcp.context.now);
  c.recovery.sent(bytes);
  c.state = c.state === "CLOSE-WAIT" ? "LAST-ACK" : "FIN-WAIT-1";
  afterSending(c, bytes);
  return "sent";
}

function afterSending(c: Connection, bytes: number): void {
  const { now } = c.tcp.context;
  c.lastSentAt = now;
  if (c.pacing || c.roundTrip.smoothed >= PACED_ROUND_TRIP) {
    c.paceAt = Math.max(c.paceAt, now - PACE_BURST) + bytes / pacingRate(c);
  }
  armRetransmission(c);
}

/** Bytes in a millisecond. */
function pacingRate(c: Connection): number {
  const { control } = c;
  const gain = control.window < control.threshold ? PACE_SLOW_START : PACE_AVOIDANCE;
  return Math.max((gain * control.window) / c.roundTrip.smoothed, 1);
}

/** @returns as much of `bytes` as the pace lets out at once; 0: not now, and the deadline is set */
function paced(c: Connection, bytes: number): number {
  if (c.roundTrip.smoothed < PACED_ROUND_TRIP) return bytes;
  if (c.paceAt > c.tcp.context.now) {
    c.pacing = true;
    return 0;
  }
  return Math.min(bytes, Math.max(2 * c.segment, whole(Math.floor(PACE_BURST * pacingRate(c)), c.segment)));
}

/** Payload of the largest superpacket. */
function bytesMax(c: Connection): number {
  const packet = PACKET_BYTES_MAX - c.ipBytes - HEADER_BYTES - OPTIONS_MAX;
  return Math.min(whole(packet, c.segment), SEGMENTS_MAX * c.segment);
}

function whole(bytes: number, segment: number): number {
  return bytes - (bytes % segment);
}

/** A run of the stream: data, the FIN, or both. */
function emitRun(c: Connection, from: number, to: number): boolean {
  const { end } = c.sendQueue;
  const last = Math.min(to, end);
  const fin = c.finAt >= 0 && to > c.finAt ? FIN : 0;
  header.clear();
  header.hasTimestamps = c.timestamps;
  return emit(c, ACK | fin | (last === end ? PSH : 0), from, from, Math.max(from, last), c.segment);
}

// ── segments without data ────────────────────────────────────────────────────────────────────────────────────────

function sendAcknowledgement(c: Connection): Sent {
  return emitBare(c, c.nxt) ? "sent" : "full";
}

/** A segment that says what is expected and may be received, and what came out of order. */
function emitBare(c: Connection, position: number): boolean {
  header.clear();
  header.hasTimestamps = c.timestamps;
  if (c.sackPermitted) fillSacks(c);
  return emit(c, ACK, position, 0, 0, 0);
}

function fillSacks(c: Connection): void {
  const most = c.timestamps ? 3 : 4;
  let count = 0;
  if (c.duplicateStart >= 0) {
    header.sack[0] = wireNumber(c.duplicateStart, c.irs);
    header.sack[1] = wireNumber(c.duplicateEnd, c.irs);
    c.duplicateStart = -1;
    count = 1;
  }
  if (c.receiveQueue.outOfOrder) {
    const found = c.receiveQueue.sackBlocks(blocks, most - count);
    for (let i = 0; i < 2 * found; i++) header.sack[2 * count + i] = wireNumber(blocks[i]!, c.irs);
    count += found;
  }
  header.sackBlocks = count;
}

/** An acknowledgement outside of any order (RFC 5961). */
export function sendChallenge(c: Connection): void {
  emitBare(c, c.nxt);
}

/**
 * What fits into the window, if anything does: it is too small to be worth a segment, and waited long enough (RFC 9293 §3.8.6.2.1).
 * Otherwise a byte that is acknowledged already, but not sent: whoever is alive answers with what it has and its window.
 */
export function sendWindowProbe(c: Connection): void {
  const fitting = Math.min(c.sendQueue.end - c.nxt, c.una + c.peerWindow - c.nxt, c.segment);
  if (fitting > 0 && c.finAt < 0 && sendData(c, fitting) === "sent") return;
  emitBare(c, c.una - 1);
  armWindowProbe(c);
}

export function sendKeepAlive(c: Connection): void {
  emitBare(c, c.nxt - 1);
}

/** RFC 8985 §7.3: something new, or else the last segment once more. */
export function sendTailProbe(c: Connection): void {
  const { scoreboard, sendQueue, segment } = c;
  const available = Math.min(sendQueue.end - c.nxt, segment);
  const room = c.una + c.peerWindow - c.nxt;
  if (available > 0 && available <= room && c.finAt < 0) {
    if (sendData(c, available) !== "sent") return;
    c.probeRepeats = false;
  } else {
    // The FIN goes along with the last segment.
    const run = scoreboard.last(segment + (c.finAt >= 0 ? 1 : 0));
    if (run === undefined || !emitRun(c, run.start, run.end)) return;
    scoreboard.resent(run, run.end - run.start, c.tcp.context.now);
    c.bytesRetransmitted += run.end - run.start;
    c.tcp.context.counters.add("tcpRetransmits");
    c.probeRepeats = true;
  }
  c.probeEnd = c.nxt;
}

// ── onto the wire ────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Write and send one packet; `header` holds its options.
 * @param from     payload: positions in the send queue
 * @param segment  payload of each segment, when it has to be split
 */
function emit(c: Connection, flags: number, position: number, from: number, to: number, segment: number): boolean {
  const { ip, counters, now } = c.tcp.context;
  const headers = header.length;
  const payload = to - from;
  const at = ip.reserve(c, TCP, headers + payload);
  if (at < 0) return false;
  header.sourcePort = c.localPort;
  header.destinationPort = c.remotePort;
  header.sequence = wireNumber(position, c.iss);
  header.flags = flags;
  header.acknowledgement = 0;
  if ((flags & ACK) !== 0) {
    const next = c.receiveNext;
    header.acknowledgement = wireNumber(next, c.irs);
    c.lastAcknowledged = next;
    c.acknowledge = "no";
    c.delayedAckAt = Number.POSITIVE_INFINITY;
    c.unacknowledgedBytes = 0;
  }
  const scale = (flags & SYN) === 0 ? c.receiveScale : 0;
  header.window = c.receiveWindow.announce(c.receiveQueue, c.receiveNext, c.peerSegment || c.segment, scale);
  if (header.hasTimestamps) {
    header.timestamp = (Math.floor(now) + c.timestampOffset) | 0;
    header.timestampEcho = (flags & ACK) === 0 ? 0 : c.timestampRecent;
  }
  header.write(ip.view, at, headers);
  if (payload > 0) c.sendQueue.copy(from, to, ip.bytes, at + headers);
  ip.commit(CHECKSUM_OFFSET, headers, payload > segment ? segment : 0);
  c.segmentsOut += payload > segment ? Math.ceil(payload / segment) : 1;
  counters.add("tcpSegmentsOut");
  return true;
}
