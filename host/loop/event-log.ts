/**
 * What happens in the protocol, in lines for a verbose log: handshakes, new and erased keys, roaming, and what was refused, by
 * cause. Peers are named by a part of their public key, as wireguard-go's log names them; no other key and no payload is in
 * any line. Whoever sends garbage cannot fill the log: lines have a rate, and what is beyond it is counted.
 */

import { formatEndpoint, type Zones } from "../address/endpoint-text.ts";
import type { Address, Core } from "../core/core.ts";
import { DROP_REASONS, type DropReason } from "../engine/drop-reason.ts";
import type { Peer } from "../engine/peer.ts";
import type { PeerEvent } from "../engine/peer-event.ts";
import type { PeerStep, StepEvents } from "../engine/peer-step.ts";

/** Lines at once, and then in a second. */
const LINES_MAX = 50;
const LINES_PER_SECOND = 10;

const STEPS: Record<PeerStep, string> = {
  "initiation sent": "sent a handshake initiation",
  "initiation sent again": "no answer: sent another handshake initiation",
  "initiation received": "got a handshake initiation",
  "response sent": "sent a handshake response",
  "response received": "got a handshake response",
  "cookie received": "got a cookie: it is busy, and the next initiation shows it",
  "keepalive sent": "sent a keepalive",
  "keepalive received": "got a keepalive",
  "keys in use": "session agreed on: new keys are in use",
  "keys erased": "no new session for 540 s: all keys are erased",
  "no answer": "what was sent to it had no answer for 15 s: a new handshake is due",
};

const EVENTS: Partial<Record<PeerEvent, string>> = {
  "handshake failed": "no answer to handshakes for 90 s: given up until there is something to send",
  back: "it answers again",
};

/** What became of messages and packets, for those reasons whose names do not say it. */
const CAUSES: Record<DropReason, string> = {
  short: "messages too short for any type",
  type: "messages of no type of WireGuard",
  index: "messages to a session that is not there (any more)",
  expired: "messages under keys too old",
  authentication: "messages that are not authentic",
  replay: "messages that had come before",
  inner_packet: "packets that are not IP, or cut short",
  source: "packets from an inner address that is not among the peer's allowed IPs",
  loop: "packets of our own that were routed into the tunnel again",
  handshake_queue: "handshake messages for want of room: too many wait",
  mac1: "handshake messages that are not for our public key",
  handshake: "handshake messages that are not authentic",
  unknown_peer: "handshake initiations of a key that is no peer's",
  timestamp: "handshake initiations that had come before, or from a peer whose clock went back",
  flood: "handshake initiations that came too soon after another",
  rate: "handshake messages of an address that sends too many",
  cookie: "cookies that nobody asked for, or that are not authentic",
  no_peer: "packets to an address that is among no peer's allowed IPs",
  no_endpoint: "packets to a peer whose endpoint is not known",
  malformed: "packets from the system that are not IP, or cut short",
  staged: "packets that waited for a session in vain",
  send: "messages that the system refused to send",
  low_order: "handshakes with a public key of low order",
  batch: "packets for want of room in a batch",
  down: "packets while the interface was down",
};

export interface EventLogOptions {
  readonly core: Core;
  readonly zones: Zones;
  tell(line: string): void;
  /** Milliseconds; performance.now() by default. */
  now?(): number;
}

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #endpoints = new WeakMap<Peer, string>();
  #drops: Record<DropReason, bigint> | undefined;
  #allowance = LINES_MAX;
  #allowedAt: number;
  #leftOut = 0;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#allowedAt = this.#now;
  }

  /** For the engine. */
  readonly events: StepEvents & { told(peer: Peer, event: PeerEvent): void } = {
    step: (peer, step) => this.#line(() => `${this.#nameOf(peer)}: ${STEPS[step]}${this.#place(peer, step)}`),
    told: (peer, event) => {
      const text = EVENTS[event];
      if (text !== undefined) this.#line(() => `${this.#nameOf(peer)}: ${text}`);
    },
    refused: (reason, path) =>
      this.#line(() => `refused a handshake message from ${this.#endpointAt(path)} (${DROP_REASONS[reason]})`),
    challenged: (path) => this.#line(() => `busy: sent a cookie to ${this.#endpointAt(path)} instead of an answer`),
  };

  /** Where the peer is may have changed, or only which of our addresses it is answered from. */
  pathLearnt(peer: Peer): void {
    const endpoint = this.#endpointAt(peer.path);
    if (this.#endpoints.get(peer) === endpoint) return;
    this.#endpoints.set(peer, endpoint);
    this.#line(() => `${this.#nameOf(peer)}: is at ${endpoint}`);
  }

  /** From time to time: what was dropped since, a line for each cause. */
  tellDrops(read: () => Record<DropReason, bigint>): void {
    const now = read();
    const before = this.#drops;
    this.#drops = now;
    for (const reason of DROP_REASONS) {
      const count = now[reason] - (before?.[reason] ?? 0n);
      if (count > 0n) this.#line(() => `dropped ${count} ${CAUSES[reason]} (${reason})`);
    }
  }

  get #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  /** Tell it, or count it where there are too many. */
  #line(text: () => string): void {
    const now = this.#now;
    const gained = ((now - this.#allowedAt) / 1000) * LINES_PER_SECOND;
    this.#allowance = Math.min(LINES_MAX, this.#allowance + gained);
    this.#allowedAt = now;
    if (this.#allowance < 1) {
      this.#leftOut += 1;
      return;
    }
    if (this.#leftOut > 0) {
      this.#options.tell(`${this.#leftOut} lines about peers are left out: there were too many at once`);
      this.#leftOut = 0;
    }
    this.#allowance -= 1;
    this.#options.tell(text());
  }

  /** Where a handshake message goes to; those that come tell by `pathLearnt`. */
  #place(peer: Peer, step: PeerStep): string {
    if (step !== "initiation sent" && step !== "initiation sent again") return "";
    return peer.endpoint() === undefined ? ", if its endpoint were known" : ` to ${this.#endpointAt(peer.path)}`;
  }

  #endpointAt(path: Address): string {
    const endpoint = this.#options.core.readEndpoint(path);
    return endpoint === undefined ? "nowhere" : formatEndpoint(endpoint, this.#options.zones);
  }

  #nameOf(peer: Peer): string {
    const key = this.#options.core.bytes.subarray(peer.publicKey, peer.publicKey + 32);
    const text = btoa(String.fromCharCode(...key));
    return `peer(${text.slice(0, 4)}…${text.slice(39, 43)})`;
  }
}
