/**
 * A segment arrives at a connection (RFC 9293 §3.10.7), in the order that the standard gives: sequence number (with RFC 7323's PAWS), RST,
 * SYN (both with RFC 5961), acknowledgement, window, data, FIN. What is not acceptable changes nothing.
 */
import { NEVER } from "../../time/instant.ts";
import { takeAcknowledgement, type WindowNews } from "./acknowledgement.ts";
import { type Connection, READABLE } from "./connection.ts";
import {
  ACK,
  CHALLENGES_EACH,
  DELAYED_ACK,
  FIN,
  MSS_MIN,
  PAWS_IDLE,
  QUICK_ACKS,
  RST,
  SYN,
  WINDOW_SCALE,
  WINDOW_SCALE_MAX,
} from "./constants.ts";
import type { Segment } from "./segment.ts";
import { positionOf } from "./sequence.ts";
import { sendChallenge } from "./transmit.ts";

export function arrive(c: Connection, s: Segment): void {
  c.segmentsIn += 1;
  if (c.state === "SYN-SENT") return arriveAtSynSent(c, s);
  const next = c.receiveNext;
  const start = positionOf(s.sequence, c.irs, next);
  const control = ((s.flags & SYN) >> 1) + (s.flags & FIN);
  const end = start + s.payloadBytes + control;
  if (!acceptable(c, s, start, end, next)) return;
  if ((s.flags & RST) !== 0) return reset(c, start, next);
  if (isCrossing(c, s, start)) {
    c.establish();
    c.heard();
    takeAcknowledgement(c, s, 1, "same window");
    c.acknowledge = "now";
    return c.tcp.touch(c);
  }
  if ((s.flags & SYN) !== 0) {
    c.tcp.context.counters.add("tcpBlind");
    return challenge(c);
  }
  if ((s.flags & ACK) === 0) return c.tcp.context.counters.add("tcpAcknowledgement");
  const ack = positionOf(s.acknowledgement, c.iss, c.una);
  if (ack > c.nxt || ack < c.una - Math.max(c.peerWindowMost, 1)) {
    // What was never sent (RFC 5961 §5), or so old that it cannot be the peer's.
    c.tcp.context.counters.add("tcpAcknowledgement");
    return challenge(c);
  }
  if (c.state === "SYN-RECEIVED") {
    if (ack < 1) return;
    c.establish();
  }
  c.heard();
  // Past PAWS: older than what is remembered only when that is too old to count.
  if (c.timestamps && start <= c.lastAcknowledged) {
    c.timestampRecent = s.timestamp;
    c.timestampRecentAt = c.lastHeardAt;
  }
  const window = updateWindow(c, s, start, ack);
  if (ack >= c.una) takeAcknowledgement(c, s, ack, window);
  c.tcp.touch(c);
  if (c.finAt >= 0 && c.una > c.finAt && finAcknowledged(c, s)) return;
  takeData(c, s, start, next);
}

// ── is it ours ───────────────────────────────────────────────────────────────────────────────────────────────────

function acceptable(c: Connection, s: Segment, start: number, end: number, next: number): boolean {
  const { counters, now } = c.tcp.context;
  const isReset = (s.flags & RST) !== 0;
  if (c.timestamps && !isReset) {
    const old = ((s.timestamp - c.timestampRecent) | 0) < 0 && now - c.timestampRecentAt < PAWS_IDLE;
    if (!s.hasTimestamps || old) {
      counters.add("tcpPaws");
      if (s.hasTimestamps && end > start) duplicate(c, start, Math.min(end, next));
      return false;
    }
  }
  if (start <= c.receiveWindow.edge && end >= c.lastAcknowledged) return true;
  counters.add("tcpWindow");
  if (isReset) return false;
  // A copy of what is here: the acknowledgement was lost, or comes now.
  if (end <= next && end > start) duplicate(c, start, end);
  else challenge(c);
  return false;
}

/** The SYN-ACK of a peer that connected at the same time (RFC 9293 §3.5, figure 8): it acknowledges ours. */
function isCrossing(c: Connection, s: Segment, start: number): boolean {
  if (c.state !== "SYN-RECEIVED" || (s.flags & (SYN | ACK)) !== (SYN | ACK) || start !== 0) return false;
  return positionOf(s.acknowledgement, c.iss, c.una) === 1;
}

/** Data came twice: say so at once (RFC 2883). */
function duplicate(c: Connection, start: number, end: number): void {
  if (c.sackPermitted && start < end) {
    c.duplicateStart = start;
    c.duplicateEnd = end;
  }
  c.acknowledge = "now";
  c.tcp.touch(c);
}

/** RFC 5961 §3.2: only the very next number resets; one that lies in the window is asked about. */
function reset(c: Connection, start: number, next: number): void {
  if (start !== next) {
    c.tcp.context.counters.add("tcpBlind");
    return challenge(c);
  }
  c.tcp.context.counters.add("tcpResetsIn");
  const over = c.state === "LAST-ACK" || c.state === "CLOSING" || (c.state === "FIN-WAIT-2" && c.deaf);
  if (over) c.tcp.finish(c);
  else c.tcp.fail(c, c.state === "SYN-RECEIVED" ? "ECONNREFUSED" : "ECONNRESET");
}

/** An acknowledgement that makes a true peer show itself; no more than a few in a second. */
function challenge(c: Connection): void {
  const { now, counters } = c.tcp.context;
  if (now - c.challengesAt >= 1000) {
    c.challengesAt = now;
    c.challenges = 0;
  }
  if (c.challenges >= CHALLENGES_EACH || !c.tcp.mayChallenge()) return;
  c.challenges += 1;
  counters.add("tcpChallengeAcks");
  sendChallenge(c);
}

// ── the beginning ────────────────────────────────────────────────────────────────────────────────────────────────

/** Options of the peer's SYN (RFC 7323, RFC 2018, RFC 6691). */
function agree(c: Connection, s: Segment): void {
  c.irs = s.sequence;
  if (s.mss > 0) c.peerMss = Math.max(s.mss, MSS_MIN);
  c.timestamps = s.hasTimestamps;
  c.sackPermitted = s.sackPermitted;
  if (s.windowScale >= 0) {
    c.sendScale = Math.min(s.windowScale, WINDOW_SCALE_MAX);
    c.receiveScale = WINDOW_SCALE;
  }
  if (s.hasTimestamps) {
    c.timestampRecent = s.timestamp;
    c.timestampRecentAt = c.tcp.context.now;
  }
  c.peerWindow = c.peerWindowMost = s.window;
  c.windowSequence = 0;
}

function arriveAtSynSent(c: Connection, s: Segment): void {
  const { counters } = c.tcp.context;
  const hasAck = (s.flags & ACK) !== 0;
  const ack = positionOf(s.acknowledgement, c.iss, 0);
  if (hasAck && (ack !== 1 || c.nxt !== 1)) {
    counters.add("tcpAcknowledgement");
    if ((s.flags & RST) === 0) c.tcp.refuse(s, c);
    return;
  }
  if ((s.flags & RST) !== 0) {
    if (!hasAck) return counters.add("tcpBlind");
    counters.add("tcpResetsIn");
    return c.tcp.fail(c, "ECONNREFUSED");
  }
  if ((s.flags & SYN) === 0) return counters.add("tcpWindow");
  // Before the SYN went out there is nothing that this could cross.
  if (c.nxt !== 1) return counters.add("tcpNoConnection");
  agree(c, s);
  c.receiveWindow.edge = 1 + Math.min(c.receiveWindow.limit, 65_535);
  c.acknowledge = "now";
  c.tcp.touch(c);
  if (!hasAck) {
    // Both connect at once (RFC 9293 §3.5, figure 8).
    c.state = "SYN-RECEIVED";
    return;
  }
  c.lastAcknowledged = 1;
  if ((c.scoreboard.head?.retransmits ?? 0) > 0) c.roundTrip.startAfterSynLoss();
  takeAcknowledgement(c, s, 1, "same window");
  c.establish();
}

// ── acknowledgement, window ──────────────────────────────────────────────────────────────────────────────────────

/** RFC 9293 §3.10.7.4: only a segment that is no older than the last one to do so moves the window. */
function updateWindow(c: Connection, s: Segment, start: number, ack: number): WindowNews {
  const newer = start > c.windowSequence || (start === c.windowSequence && ack >= c.windowAcknowledgement);
  if (ack < c.una || !newer) return "same window";
  const window = s.window * 2 ** c.sendScale;
  const news = window === c.peerWindow ? "same window" : "new window";
  c.windowSequence = start;
  c.windowAcknowledgement = ack;
  c.peerWindow = window;
  if (window > c.peerWindowMost) c.peerWindowMost = window;
  if (c.retransmitKind === "window-probe" && c.retransmitAt !== NEVER) {
    // The peer is alive.
    c.timeoutsInRow = 0;
    if (window > 0) {
      c.retransmitAt = c.stalledSince = NEVER;
      c.roundTrip.backoff = 0;
    }
  }
  return news;
}

/** @returns whether the connection is over */
function finAcknowledged(c: Connection, s: Segment): boolean {
  switch (c.state) {
    case "FIN-WAIT-1":
      c.state = "FIN-WAIT-2";
      if (c.deaf) c.tcp.limitFinWait(c);
      return false;
    case "CLOSING":
      // Said again, their end wants an answer again.
      if ((s.flags & FIN) !== 0) c.acknowledge = "now";
      c.tcp.timeWait(c);
      return true;
    case "LAST-ACK":
      c.tcp.finish(c);
      return true;
    default:
      return false;
  }
}

// ── data, FIN ────────────────────────────────────────────────────────────────────────────────────────────────────

function takeData(c: Connection, s: Segment, start: number, next: number): void {
  const payload = s.payloadBytes;
  const fin = (s.flags & FIN) !== 0;
  if (payload === 0 && !fin) {
    // A keepalive, or a probe of our window, wants an answer.
    if (start < next) challenge(c);
    return;
  }
  if (c.peerEnded) return duplicate(c, start, Math.min(start + payload, next));
  if (payload > 0 && c.deaf && start + payload > next) {
    // Nobody will read this: RFC 9293 §3.6.1.
    return c.tcp.abort(c);
  }
  const edge = c.peerFinAt >= 0 ? c.peerFinAt : c.receiveWindow.edge;
  const whole = start + payload <= edge;
  const taken = takePayload(c, s, start, Math.min(payload, edge - start));
  if (!whole || !taken) {
    c.acknowledge = "now";
    return;
  }
  if (fin && c.peerFinAt < 0 && start + payload >= c.receiveQueue.highest) c.peerFinAt = start + payload;
  if (c.peerFinAt === c.receiveQueue.next) peerEnds(c);
  else if (fin) c.acknowledge = "now"; // out of order, as data would be
}

/** @returns whether there was memory for it */
function takePayload(c: Connection, s: Segment, start: number, length: number): boolean {
  if (length <= 0) return true;
  const { receiveQueue: queue, receiveWindow } = c;
  const before = queue.next;
  const end = start + length;
  if (s.segmentBytes > c.peerSegment) c.peerSegment = s.segmentBytes;
  if (start < before || queue.has(start, end)) duplicate(c, start, start < before ? Math.min(end, before) : end);
  const hadHole = queue.outOfOrder;
  const costMax = 2 * receiveWindow.limit;
  if (!queue.insert(start, s.bytes, s.payloadStart, s.payloadStart + length, s.ownership, costMax)) {
    c.tcp.context.counters.add("tcpMemory");
    return false;
  }
  const advanced = queue.next - before;
  if (advanced === 0 || hadHole) {
    // RFC 5681 §4.2: out of order, or filling a hole.
    if (c.acknowledge === "now" && !c.sackPermitted && advanced === 0) c.owedDuplicates += 1;
    c.acknowledge = "now";
    if (advanced === 0) return true;
  }
  if (c.timestamps && s.timestampEcho !== 0) {
    const now = Math.floor(c.tcp.context.now);
    const took = (now + c.timestampOffset - s.timestampEcho) | 0;
    if (took >= 0) receiveWindow.roundTrip(took);
  }
  acknowledgeSoon(c, advanced);
  c.tell(READABLE);
  return true;
}

/** RFC 9293 §3.8.6.3: at least every second full segment, and at the beginning each. */
function acknowledgeSoon(c: Connection, advanced: number): void {
  c.unacknowledgedBytes += advanced;
  if (c.acknowledge === "now") return;
  if (c.quickAcks < QUICK_ACKS || c.unacknowledgedBytes >= 2 * c.peerSegment) {
    c.quickAcks += 1;
    c.acknowledge = "now";
    return;
  }
  c.acknowledge = "later";
  if (c.delayedAckAt === NEVER) c.delayedAckAt = c.tcp.context.now + DELAYED_ACK;
}

function peerEnds(c: Connection): void {
  c.peerEnded = true;
  c.acknowledge = "now";
  c.tell(READABLE);
  switch (c.state) {
    case "ESTABLISHED":
      c.state = "CLOSE-WAIT";
      break;
    case "FIN-WAIT-1":
      c.state = "CLOSING";
      break;
    case "FIN-WAIT-2":
      c.tcp.timeWait(c);
      break;
    default:
  }
}
