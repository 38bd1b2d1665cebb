/**
 * What time brings to a connection: retransmission (RFC 6298), tail loss probes (RFC 8985 §7), probes of a closed window (RFC 9293
 * §3.8.6.1), delayed acknowledgements, keepalive (§3.8.4), and the ends of patience. All share one entry in the stack's timers: the
 * earliest. A deadline that moves back leaves the entry where it is, and a connection without any has none.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import { waitedForReordered } from "./acknowledgement.ts";
import type { Connection } from "./connection.ts";
import { DATA_RETRIES, ORPHAN_RETRIES, RTO_MAX, SYN_RETRIES } from "./constants.ts";
import { suspectBlackHole } from "./path-search.ts";
import { sendKeepAlive, sendTailProbe, sendWindowProbe } from "./transmit.ts";

/** A window that stays closed for so long is given up when memory is short (RFC 6429). */
const STALL_PATIENCE = 60_000;
const PRESSURE = 0.5;
/** Timeouts in a row after which full segments may be what does not get through (RFC 4821 §7.7). */
const BLACK_HOLE_TIMEOUTS = 2;
/** Peers may delay an acknowledgement by that much when one segment is in flight. */
const PEER_DELAY = 200;

/** Put the earliest deadline into the timers. */
export function schedule(c: Connection): void {
  let at = c.retransmitAt;
  if (c.reorderAt < at) at = c.reorderAt;
  if (c.delayedAckAt < at) at = c.delayedAckAt;
  if (c.keepAliveAt < at) at = c.keepAliveAt;
  if (c.giveUpAt < at) at = c.giveUpAt;
  if (c.pacing && c.paceAt < at) at = c.paceAt;
  if (at < c.wakeAt) c.tcp.context.timers.schedule(c, at);
}

export function clearDeadlines(c: Connection): void {
  c.retransmitAt = c.reorderAt = c.delayedAckAt = c.keepAliveAt = c.giveUpAt = NEVER;
  c.pacing = false;
}

/** Something may be due. */
export function wake(c: Connection, now: Instant): void {
  if (c.giveUpAt <= now) return c.tcp.fail(c, c.state === "SYN-SENT" ? (c.softFailure ?? "ETIMEDOUT") : "ETIMEDOUT");
  if (c.pacing && c.paceAt <= now) c.pacing = false;
  if (c.delayedAckAt <= now) {
    c.delayedAckAt = NEVER;
    c.acknowledge = "now";
  }
  if (c.reorderAt <= now) {
    c.reorderAt = NEVER;
    waitedForReordered(c);
  }
  if (c.retransmitAt <= now && !retransmit(c, now)) return;
  if (c.keepAliveAt <= now && !keepAlive(c, now)) return;
  c.tcp.touch(c);
}

/** @returns false when the connection has ended */
function retransmit(c: Connection, now: Instant): boolean {
  c.retransmitAt = NEVER;
  if (c.retransmitKind === "tail-probe") {
    sendTailProbe(c);
    armTimeout(c);
    return true;
  }
  if (outOfPatience(c, now)) return false;
  c.timeoutsInRow += 1;
  c.roundTrip.backoff += 1;
  if (c.retransmitKind === "window-probe") {
    sendWindowProbe(c);
    return true;
  }
  if (c.scoreboard.bytes === 0) return true;
  timeout(c);
  return true;
}

function outOfPatience(c: Connection, now: Instant): boolean {
  const opening = c.state === "SYN-SENT" || c.state === "SYN-RECEIVED";
  const retries = opening ? SYN_RETRIES : c.deaf ? ORPHAN_RETRIES : DATA_RETRIES;
  const stalled = c.stalledSince === NEVER ? 0 : now - c.stalledSince;
  const probing = c.retransmitKind === "window-probe";
  // A peer that answers probes is alive, however long its window stays closed; but not at the cost of all others.
  const { pressure } = c.tcp.context.budget;
  const hopeless = probing && (pressure > PRESSURE || c.deaf) && stalled > STALL_PATIENCE;
  if (c.timeoutsInRow < retries && !hopeless && !(c.userTimeout > 0 && stalled >= c.userTimeout)) return false;
  c.tcp.fail(c, c.softFailure ?? "ETIMEDOUT");
  return true;
}

/** RFC 6298 §5.4 to §5.7. */
function timeout(c: Connection): void {
  const { scoreboard } = c;
  c.timeouts += 1;
  c.tcp.context.counters.add("tcpTimeouts");
  c.reorderAt = NEVER;
  c.probeEnd = -1;
  c.renoDelivered = c.duplicateAcks = 0;
  // What was said out of order may have been taken back; after a second timeout that is likely.
  if (c.timeoutsInRow > 1 || scoreboard.head?.sacked) scoreboard.forgetSacks();
  scoreboard.markAllLost();
  armTimeout(c);
  if (c.state === "SYN-SENT" || c.state === "SYN-RECEIVED") return;
  c.recovery.timeout(scoreboard, c.una, c.nxt, c.control);
  if (c.timeoutsInRow >= BLACK_HOLE_TIMEOUTS) suspectBlackHole(c);
}

function keepAlive(c: Connection, now: Instant): boolean {
  const { keepAlive } = c;
  c.keepAliveAt = NEVER;
  if (keepAlive === undefined) return true;
  const silent = now - c.lastHeardAt;
  if (silent < keepAlive.idleMs) {
    c.keepAliveAt = c.lastHeardAt + keepAlive.idleMs;
    return true;
  }
  // Retransmissions find out by themselves.
  if (c.scoreboard.bytes === 0 && c.state !== "SYN-SENT") {
    if (c.keepAliveProbes >= keepAlive.probes) {
      c.tcp.fail(c, "ETIMEDOUT");
      return false;
    }
    c.keepAliveProbes += 1;
    sendKeepAlive(c);
  }
  c.keepAliveAt = now + keepAlive.intervalMs;
  return true;
}

/** Set the retransmission timer from now on. */
function armTimeout(c: Connection): void {
  c.retransmitKind = "timeout";
  let at = c.tcp.context.now + c.roundTrip.timeout;
  if (c.userTimeout > 0 && c.stalledSince !== NEVER)
    at = Math.min(at, Math.max(c.stalledSince + c.userTimeout, c.tcp.context.now + 1));
  c.retransmitAt = at;
}

/** After something was sent or acknowledged: which timer has to run, from now on. */
export function armRetransmission(c: Connection): void {
  const { now } = c.tcp.context;
  const { scoreboard, roundTrip } = c;
  if (scoreboard.bytes === 0) {
    if (c.retransmitKind !== "window-probe") c.retransmitAt = NEVER;
    return;
  }
  if (c.stalledSince === NEVER) c.stalledSince = now;
  const quiet = c.recovery.phase === "open" && scoreboard.lostBytes === 0 && c.timeoutsInRow === 0;
  if (!quiet || !c.sackPermitted || !roundTrip.known || c.probeEnd >= 0 || c.reorderAt !== NEVER) return armTimeout(c);
  // RFC 8985 §7.2.
  const wait = 2 * roundTrip.smoothed + (scoreboard.inFlight <= c.segment ? PEER_DELAY : 2);
  if (wait >= roundTrip.timeout) return armTimeout(c);
  c.retransmitKind = "tail-probe";
  c.retransmitAt = now + wait;
}

/** Nothing is in flight, and the peer's window lets nothing out: ask now and then. */
export function armWindowProbe(c: Connection): void {
  const { now } = c.tcp.context;
  if (c.retransmitKind === "window-probe" && c.retransmitAt !== NEVER) return;
  if (c.stalledSince === NEVER) c.stalledSince = now;
  c.retransmitKind = "window-probe";
  let at = now + Math.min(c.roundTrip.timeout, RTO_MAX);
  if (c.userTimeout > 0) at = Math.min(at, Math.max(c.stalledSince + c.userTimeout, now + 1));
  c.retransmitAt = at;
}
