/**
 * What is left of a connection that we ended first (RFC 9293 §3.6): a small record that acknowledges a repeated FIN and keeps old
 * segments from a new connection with the same ports. A SYN that is surely newer takes its place (RFC 6191). RSTs do nothing (RFC 1337).
 * Peers decide how many there are, so each is paid for from the network's memory.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { Flow, Timer } from "../transport.ts";
import type { Connection } from "./connection.ts";
import { ACK, FIN, RST, SYN, TIME_WAIT } from "./constants.ts";
import { reply, sendReply } from "./reply.ts";
import type { Segment } from "./segment.ts";
import { wireNumber } from "./sequence.ts";
import { Entry } from "./table.ts";
import type { Tcp } from "./tcp.ts";

/** What one takes from the network's memory. */
export const TIME_WAIT_BYTES = 512;

export class TimeWait extends Entry implements Flow, Timer {
  readonly kind = "time-wait";
  readonly #tcp: Tcp;
  readonly trafficClass: number;
  readonly hopLimit: number;
  /** Next numbers on the wire. */
  readonly #sendNext: number;
  readonly #receiveNext: number;
  readonly #window: number;
  readonly #timestamps: boolean;
  readonly #timestampOffset: number;
  #timestampRecent: number;
  #until: Instant = NEVER;
  wakeAt: Instant = NEVER;
  heapIndex = -1;

  constructor(tcp: Tcp, c: Connection) {
    super(c.local, c.localPort, c.remote, c.remotePort);
    this.#tcp = tcp;
    this.trafficClass = c.trafficClass;
    this.hopLimit = c.hopLimit;
    this.#sendNext = wireNumber(c.nxt, c.iss);
    this.#receiveNext = wireNumber(c.receiveNext, c.irs);
    this.#window = Math.min(65_535, Math.ceil((c.receiveWindow.edge - c.receiveQueue.next) / 2 ** c.receiveScale));
    this.#timestamps = c.timestamps;
    this.#timestampOffset = c.timestampOffset;
    this.#timestampRecent = c.timestampRecent;
  }

  /** The minute begins. */
  start(): void {
    const { now, timers } = this.#tcp.context;
    this.#until = now + TIME_WAIT;
    timers.schedule(this, this.#until);
  }

  wake(now: Instant): void {
    if (this.#until > now) this.#tcp.context.timers.schedule(this, this.#until);
    else this.#tcp.forgetTimeWait(this);
  }

  acknowledge(): void {
    const { context } = this.#tcp;
    reply.clear();
    reply.sourcePort = this.localPort;
    reply.destinationPort = this.remotePort;
    reply.sequence = this.#sendNext;
    reply.acknowledgement = this.#receiveNext;
    reply.flags = ACK;
    reply.window = this.#window;
    reply.hasTimestamps = this.#timestamps;
    reply.timestamp = (Math.floor(context.now) + this.#timestampOffset) | 0;
    reply.timestampEcho = this.#timestampRecent;
    sendReply(context, this);
  }

  /** @returns whether the segment begins a new connection, and this record is to go */
  arrive(s: Segment): boolean {
    if ((s.flags & RST) !== 0) return false;
    const ahead = (s.sequence - this.#receiveNext) | 0;
    if ((s.flags & SYN) !== 0 && (s.flags & ACK) === 0 && this.#isNewer(s, ahead)) return true;
    // Something that is new, or an acknowledgement of ours as expected, needs no answer.
    if (ahead === 0 && s.payloadBytes === 0 && (s.flags & (SYN | FIN)) === 0) return false;
    if ((s.flags & FIN) !== 0 && ahead < 0) this.#until = this.#tcp.context.now + TIME_WAIT;
    if (this.#tcp.mayChallenge()) this.acknowledge();
    return false;
  }

  /** RFC 6191 §2: timestamps decide where there are some, and sequence numbers where they are equal or missing. */
  #isNewer(s: Segment, ahead: number): boolean {
    if (!s.hasTimestamps) return ahead > 0;
    if (!this.#timestamps) return true;
    const later = (s.timestamp - this.#timestampRecent) | 0;
    return later > 0 || (later === 0 && ahead > 0);
  }
}
