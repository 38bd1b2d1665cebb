/**
 * What an acknowledgement says: what arrived, in order and out of order (RFC 2018, RFC 2883), how long it took, what must have been lost
 * (RFC 8985; RFC 6582 without SACK), and how much may be in flight from now on.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import { type Connection, DRAINED, WRITABLE } from "./connection.ts";
import { armRetransmission } from "./deadlines.ts";
import { onlyPathProbeLost, pathProbeArrived } from "./path-search.ts";
import { Delivery } from "./scoreboard.ts";
import type { Segment } from "./segment.ts";
import { positionOf } from "./sequence.ts";

const DUPLICATE_THRESHOLD = 3;
/** `writable` is called when there is room for so much. */
const WRITABLE_BYTES = 32 << 10;

/** One at a time, for all connections. */
const delivery = new Delivery();

/** Bytes thought to be in the network, with what duplicate acknowledgements say without SACK. */
export function inFlight(c: Connection): number {
  return Math.max(0, c.scoreboard.inFlight - c.renoDelivered);
}

/** What a segment says of the peer's window. */
export type WindowNews = "same window" | "new window";

/** @param ack position, from `una` to `nxt` */
export function takeAcknowledgement(c: Connection, segment: Segment, ack: number, window: WindowNews): void {
  const { now } = c.tcp.context;
  const { recovery } = c;
  const advance = ack - c.una;
  const echo = c.timestamps && segment.hasTimestamps ? echoedTime(c, segment) : Number.NaN;
  const flightBefore = inFlight(c);
  delivery.begin(echo, c.roundTrip.least, now, c.scoreboard.forward);

  if (advance > 0) advanceTo(c, ack);
  if (c.sackPermitted && segment.sackBlocks > 0) readSacks(c, segment, ack);
  if (advance > 0 || delivery.bytes > 0) measure(c, advance, echo, now);

  if (advance > 0 && recovery.answersOriginal(echo)) undo(c);
  if (c.sackPermitted) {
    c.rack.update(delivery);
    if (delivery.bytes > 0) detectLosses(c);
  } else {
    countDuplicates(c, segment, advance, window);
  }
  if (c.probeEnd >= 0) endTailProbe(c, segment, ack, advance);
  if (recovery.phase !== "open" && c.una >= recovery.point) endRecovery(c);

  adjustWindow(c, advance, flightBefore);
  if (advance > 0 || delivery.bytes > 0) armRetransmission(c);
  if (advance > 0) tellSender(c);
}

/** When the segment left that this one echoes, to the millisecond below. */
function echoedTime(c: Connection, segment: Segment): Instant {
  const now = Math.floor(c.tcp.context.now);
  return now - ((now + c.timestampOffset - segment.timestampEcho) | 0);
}

function advanceTo(c: Connection, ack: number): void {
  c.scoreboard.acknowledge(ack, delivery);
  c.una = ack;
  pathProbeArrived(c, ack);
  c.sendQueue.acknowledge(ack);
  c.timeoutsInRow = 0;
  c.stalledSince = c.scoreboard.bytes > 0 ? c.tcp.context.now : NEVER;
  c.softFailure = undefined;
}

function readSacks(c: Connection, segment: Segment, ack: number): void {
  const { sack, sackBlocks } = segment;
  const position = (index: number) => positionOf(sack[index]!, c.iss, c.una);
  const start = position(0);
  const end = position(1);
  const within = sackBlocks > 1 && start >= position(2) && end <= position(3);
  // The first block may tell of a duplicate.
  delivery.duplicate = start < end && (end <= ack || within);
  if (delivery.duplicate && start >= 0 && end <= c.nxt) {
    c.rack.duplicate(c.una, c.nxt);
    if (c.recovery.duplicate(start, end)) undo(c);
  }
  for (let i = delivery.duplicate ? 1 : 0; i < sackBlocks; i++) {
    const from = position(2 * i);
    const to = position(2 * i + 1);
    // What was never sent, or is acknowledged already, says nothing.
    if (from >= to || to > c.nxt || to <= c.una || tooManyRuns(c)) continue;
    c.scoreboard.sack(Math.max(from, c.una), to, delivery);
  }
}

/** More pieces than segments twice over are no path's doing: whoever reports single bytes shall not make us remember them. */
function tooManyRuns({ scoreboard, segment }: Connection): boolean {
  return scoreboard.runs > 64 + (2 * scoreboard.bytes) / segment;
}

function measure(c: Connection, advance: number, echo: Instant, now: Instant): void {
  const { firstSentAt } = delivery;
  if (!Number.isNaN(firstSentAt)) c.roundTrip.sample(now - firstSentAt, now);
  else if (advance > 0 && !Number.isNaN(echo) && echo <= now) c.roundTrip.sample(now - echo, now);
  // Acknowledged without a measurement, all the same: Karn's doubled timeout has done its work.
  else if (advance > 0) c.roundTrip.backoff = 0;
}

/** Look for losses, and begin to repair them. */
function detectLosses(c: Connection): void {
  const { scoreboard, recovery } = c;
  const before = scoreboard.lostBytes;
  const { phase } = recovery;
  const again = c.rack.detect(scoreboard, c.roundTrip, c.segment, phase, c.tcp.context.now);
  c.reorderAt = again > 0 ? again : NEVER;
  if (scoreboard.lostBytes > before && phase === "open" && !onlyPathProbeLost(c)) beginRecovery(c);
}

/** What might have been overtaken did not come (RFC 8985 §6.2): no acknowledgement tells how much may go out, so as if for one segment. */
export function waitedForReordered(c: Connection): void {
  const { phase } = c.recovery;
  detectLosses(c);
  if (phase !== "open" || c.recovery.phase !== "recovery") return;
  c.recovery.reduce(c.segment, 0, inFlight(c), c.segment, c.control);
}

function beginRecovery(c: Connection): void {
  c.probeEnd = -1;
  c.recovery.begin(c.scoreboard, c.una, c.nxt, c.control);
}

/** Without SACK: RFC 5681 §3.2, RFC 6582 §3.2. */
function countDuplicates(c: Connection, segment: Segment, advance: number, window: WindowNews): void {
  const { scoreboard, recovery } = c;
  if (advance > 0) {
    c.duplicateAcks = 0;
    c.renoDelivered = Math.max(0, c.renoDelivered - Math.max(0, advance - c.segment));
    if (scoreboard.bytes === 0) c.renoDelivered = 0;
    // A partial acknowledgement names the next hole.
    if (recovery.phase === "recovery" && c.una < recovery.point) scoreboard.markHeadLost(c.segment);
    return;
  }
  if (scoreboard.bytes === 0 || segment.payloadBytes > 0 || window === "new window") return;
  c.duplicateAcks += 1;
  c.renoDelivered = Math.min(c.renoDelivered + c.segment, scoreboard.bytes);
  delivery.bytes += c.segment;
  if (c.duplicateAcks !== DUPLICATE_THRESHOLD || recovery.phase !== "open") return;
  scoreboard.markHeadLost(c.segment);
  beginRecovery(c);
}

/** RFC 8985 §7.4.2. */
function endTailProbe(c: Connection, segment: Segment, ack: number, advance: number): void {
  if (ack < c.probeEnd) return;
  if (c.probeRepeats && !delivery.duplicate) {
    if (ack > c.probeEnd) {
      // The probe repaired a loss, which has to count as one.
      c.control.limit(Math.min(c.control.window, c.control.lost(c.scoreboard.bytes)));
    } else if (advance > 0 || segment.sackBlocks > 0) {
      return;
    }
  }
  c.probeEnd = -1;
}

function undo(c: Connection): void {
  c.recovery.undo(c.control);
  c.rack.reorderingSeen = true;
  c.scoreboard.unmarkLost();
  c.timeoutsInRow = 0;
}

function endRecovery(c: Connection): void {
  c.recovery.end(c.control);
  c.rack.recoveryEnded();
  c.renoDelivered = c.duplicateAcks = 0;
}

function adjustWindow(c: Connection, advance: number, flightBefore: number): void {
  const { control, recovery, roundTrip } = c;
  if (recovery.phase === "recovery") {
    recovery.reduce(delivery.bytes, advance, inFlight(c), c.segment, control);
    return;
  }
  const limited = c.limitedAt >= c.una - advance;
  const slowStart = control.window < control.threshold;
  // A window that is not used says nothing about the path (RFC 7661, RFC 9438 §5.8).
  if (advance <= 0 || !(limited || (slowStart && 2 * flightBefore >= control.window))) return;
  const { now } = c.tcp.context;
  const rtt = now - delivery.lastSentAt;
  control.acknowledged(Math.max(delivery.bytes, 0), rtt, roundTrip.smoothed, c.una, c.nxt, now);
}

function tellSender(c: Connection): void {
  if (c.refusedWrite && c.room >= WRITABLE_BYTES) {
    c.refusedWrite = false;
    c.tell(WRITABLE);
  }
  if (c.undrained && c.sendQueue.length === 0) {
    c.undrained = false;
    c.tell(DRAINED);
  }
}
