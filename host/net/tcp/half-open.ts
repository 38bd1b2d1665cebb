/**
 * A connection whose peer has asked for it and not yet answered our answer: a small record (RFC 4987 §3.4), no connection. Its SYN+ACK is
 * repeated some times and the record then forgotten.
 */
import { type Instant, NEVER } from "../../time/instant.ts";
import type { IpAddress } from "../address.ts";
import type { Flow, Timer } from "../transport.ts";
import { ACK, RTO_INITIAL, SYN, WINDOW_SCALE } from "./constants.ts";
import type { Listener } from "./listener.ts";
import { reply, sendReply } from "./reply.ts";
import { Entry } from "./table.ts";

/** What one takes from the network's memory. */
export const HALF_OPEN_BYTES = 512;
const ANSWERS_MAX = 5;
/** Before a scale is agreed on. */
export const WINDOW_OF_SYN = 65_535;

/** What a SYN asked for. */
export interface SynOptions {
  readonly mss: number;
  /** -1: none. */
  readonly windowScale: number;
  readonly sackPermitted: boolean;
  readonly timestamps: boolean;
}

export class HalfOpen extends Entry implements Flow, Timer {
  readonly kind = "half-open";
  readonly listener: Listener;
  readonly iss: number;
  readonly irs: number;
  readonly options: SynOptions;
  timestampRecent: number;
  readonly timestampOffset: number;
  /** When it was answered last, and how often. */
  sentAt: Instant = 0;
  answers = 0;
  wakeAt: Instant = NEVER;
  heapIndex = -1;

  constructor(
    listener: Listener,
    local: IpAddress,
    remote: IpAddress,
    remotePort: number,
    numbers: { iss: number; irs: number; timestamp: number; timestampOffset: number },
    options: SynOptions,
  ) {
    super(local, listener.port, remote, remotePort);
    this.listener = listener;
    this.iss = numbers.iss;
    this.irs = numbers.irs;
    this.timestampRecent = numbers.timestamp;
    this.timestampOffset = numbers.timestampOffset;
    this.options = options;
  }

  get trafficClass(): number {
    return this.listener.options.trafficClass ?? 0;
  }

  get hopLimit(): number {
    return this.listener.options.hopLimit ?? 0;
  }

  /** Send the SYN+ACK, and see to it that it is repeated. */
  answer(): void {
    const { context } = this.listener.tcp;
    this.answers += 1;
    this.sentAt = context.now;
    const timestamp = (Math.floor(context.now) + this.timestampOffset) | 0;
    writeSynAck(this.listener, this, this.iss, this.irs, this.options, timestamp, this.timestampRecent);
    sendReply(context, this);
    context.timers.schedule(this, context.now + RTO_INITIAL * 2 ** (this.answers - 1));
  }

  wake(): void {
    if (this.answers > ANSWERS_MAX) this.listener.forget(this);
    else this.answer();
  }
}

/** Fill `reply` with the answer to a SYN. */
export function writeSynAck(
  listener: Listener,
  ends: { localPort: number; remotePort: number; remote: IpAddress },
  iss: number,
  irs: number,
  options: SynOptions,
  timestamp: number,
  timestampEcho: number,
): void {
  reply.clear();
  reply.sourcePort = ends.localPort;
  reply.destinationPort = ends.remotePort;
  reply.sequence = iss;
  reply.acknowledgement = (irs + 1) | 0;
  reply.flags = SYN | ACK;
  reply.window = WINDOW_OF_SYN;
  reply.mss = listener.tcp.ownMss(ends.remote);
  reply.windowScale = options.windowScale >= 0 ? WINDOW_SCALE : -1;
  reply.sackPermitted = options.sackPermitted;
  reply.hasTimestamps = options.timestamps;
  reply.timestamp = timestamp;
  reply.timestampEcho = timestampEcho;
}
