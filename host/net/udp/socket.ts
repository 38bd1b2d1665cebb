/**
 * A UDP socket (RFC 768, RFC 1122 §4.1): unconnected, or connected to one peer. Queues are bounded in both directions: what comes
 * when the queue is full is dropped and counted, what is sent then is refused. Sending takes effect in the stack's next turn.
 */
import type { IpAddress } from "../address.ts";
import type { ErrorKind } from "../icmp/kinds.ts";
import { Telling } from "../telling.ts";
import type { Context, Flow, IcmpError } from "../transport.ts";

/** As Linux's rmem_default and wmem_default. */
const RECEIVE_BYTES = 212_992;
const SEND_BYTES = 212_992;
/** What keeping a datagram costs beside its bytes, measured with one byte each. */
const OVERHEAD_BYTES = 448;
/** Largest payload (RFC 768, RFC 791; for IPv6 by the length field). */
const PAYLOAD_BYTES_MAX = { 4: 65_507, 6: 65_527 } as const;
const HEADER_BYTES = 8;
/** Destinations that an unconnected socket remembers, to tell whether an ICMP error can be true. */
const REMEMBERED = 64;

export type UdpFailure =
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EHOSTUNREACH"
  | "ENETDOWN"
  | "EMSGSIZE"
  | "ENOBUFS"
  | "EDESTADDRREQ"
  | "EISCONN"
  | "EBADF";

/** What an ICMP error said: the names that systems give to it. */
export type UdpError = "ECONNREFUSED" | "EHOSTUNREACH" | "ENETUNREACH" | "EACCES" | "EMSGSIZE" | "EPROTO";

const ERRORS: Record<ErrorKind, UdpError> = {
  "too-big": "EMSGSIZE",
  network: "ENETUNREACH",
  host: "EHOSTUNREACH",
  protocol: "ECONNREFUSED",
  port: "ECONNREFUSED",
  prohibited: "EACCES",
  "hop-limit": "EHOSTUNREACH",
  parameter: "EPROTO",
};

export interface Datagram {
  /** The receiver's own. */
  readonly bytes: Uint8Array;
  readonly from: IpAddress;
  readonly fromPort: number;
  /** Which of our addresses it was sent to. */
  readonly to: IpAddress;
  readonly hopLimit: number;
  readonly trafficClass: number;
}

export interface UdpHandler {
  /** There are datagrams to receive. */
  readable?(): void;
  /** There is room again, after `send` said ENOBUFS. */
  writable?(): void;
  /** An ICMP error came about what was sent to `remote`. */
  failed?(error: UdpError, remote: IpAddress, remotePort: number): void;
}

export interface UdpSocketOptions {
  /** By default all of ours. */
  readonly local?: IpAddress | undefined;
  /** 0, the default: a free one. */
  readonly localPort?: number | undefined;
  readonly handler?: UdpHandler | undefined;
  /** Bytes that may wait, each way; 208 KiB by default. */
  readonly receiveBytes?: number | undefined;
  readonly sendBytes?: number | undefined;
  /** 64 by default. */
  readonly hopLimit?: number | undefined;
  readonly trafficClass?: number | undefined;
}

export interface UdpStatistics {
  readonly datagramsIn: number;
  readonly datagramsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Came when the queue was full. */
  readonly dropped: number;
  readonly receiveQueue: number;
  readonly sendQueue: number;
}

export interface OutgoingDatagram {
  readonly flow: Flow;
  readonly port: number;
  readonly bytes: Uint8Array;
}

/** What a socket asks of the transport that it belongs to. */
export interface SocketOwner {
  readonly context: Context;
  /** It has something to send, or to tell. */
  busy(socket: UdpSocket): void;
  forget(socket: UdpSocket): void;
}

export class UdpSocket {
  readonly local: IpAddress | undefined;
  readonly localPort: number;
  handler: UdpHandler;
  hopLimit: number;
  trafficClass: number;
  readonly #owner: SocketOwner;
  readonly #receiveLimit: number;
  readonly #sendLimit: number;
  readonly #received: Datagram[] = [];
  #receivedFrom = 0;
  #receiveBytes = 0;
  readonly #outgoing: OutgoingDatagram[] = [];
  #outgoingFrom = 0;
  #sendBytes = 0;
  #remote: IpAddress | undefined;
  #remotePort = 0;
  /** Where datagrams went, and the largest of them: oldest first. */
  readonly #sentTo = new Map<string, number>();
  #errors: { error: UdpError; remote: IpAddress; port: number }[] = [];
  #readable = false;
  #refused = false;
  #closed = false;
  #counts = { datagramsIn: 0, datagramsOut: 0, bytesIn: 0, bytesOut: 0, dropped: 0 };

  constructor(owner: SocketOwner, localPort: number, options: UdpSocketOptions) {
    this.#owner = owner;
    this.local = options.local;
    this.localPort = localPort;
    this.handler = options.handler ?? {};
    this.hopLimit = options.hopLimit ?? 0;
    this.trafficClass = options.trafficClass ?? 0;
    this.#receiveLimit = options.receiveBytes ?? RECEIVE_BYTES;
    this.#sendLimit = options.sendBytes ?? SEND_BYTES;
  }

  get remote(): IpAddress | undefined {
    return this.#remote;
  }

  get remotePort(): number {
    return this.#remotePort;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Send to and hear from this peer only. What others have sent before is forgotten. */
  connect(remote: IpAddress, port: number): UdpFailure | undefined {
    if (this.#closed) return "EBADF";
    if (this.#sourceFor(remote) === undefined) return "EHOSTUNREACH";
    this.#remote = remote;
    this.#remotePort = port;
    const kept = this.#received
      .slice(this.#receivedFrom)
      .filter(({ from, fromPort }) => fromPort === port && from.equals(remote));
    this.#releaseReceived();
    for (const datagram of kept) this.#keep(datagram);
    return undefined;
  }

  disconnect(): void {
    this.#remote = undefined;
    this.#remotePort = 0;
  }

  /**
   * Send a datagram; its bytes are copied. @param remote by default whom the socket is connected to
   * @returns a failure, or undefined if it waits for the next turn. ENOBUFS: `writable` is called once there is room
   */
  send(bytes: Uint8Array, remote?: IpAddress, port?: number): UdpFailure | undefined {
    if (this.#closed) return "EBADF";
    if (
      remote !== undefined &&
      this.#remote !== undefined &&
      !(remote.equals(this.#remote) && port === this.#remotePort)
    ) {
      return "EISCONN";
    }
    const to = remote ?? this.#remote;
    const toPort = port ?? this.#remotePort;
    if (to === undefined || toPort === 0) return "EDESTADDRREQ";
    if (bytes.length > PAYLOAD_BYTES_MAX[to.family]) return "EMSGSIZE";
    const local = this.#sourceFor(to);
    if (local === undefined) return "EHOSTUNREACH";
    const cost = bytes.length + OVERHEAD_BYTES;
    // An empty queue takes one datagram of any size.
    const full = this.#sendBytes > 0 && this.#sendBytes + cost > this.#sendLimit;
    if (full || !this.#owner.context.budget.take(cost)) {
      this.#refused = true;
      return "ENOBUFS";
    }
    this.#sendBytes += cost;
    const flow = { local, remote: to, trafficClass: this.trafficClass & ~3, hopLimit: this.hopLimit };
    this.#outgoing.push({ flow, port: toPort, bytes: new Uint8Array(bytes) });
    this.#owner.busy(this);
    return undefined;
  }

  #sourceFor(remote: IpAddress): IpAddress | undefined {
    const { ip } = this.#owner.context;
    if (this.local === undefined) return ip.source(remote);
    return this.local.family === remote.family && ip.mayReach(remote) ? this.local : undefined;
  }

  /** The oldest datagram that waits. */
  receive(): Datagram | undefined {
    const datagram = this.#received[this.#receivedFrom];
    if (datagram === undefined) return undefined;
    this.#receivedFrom += 1;
    if (this.#receivedFrom >= 64 && this.#receivedFrom * 2 >= this.#received.length) {
      this.#received.splice(0, this.#receivedFrom);
      this.#receivedFrom = 0;
    }
    const cost = datagram.bytes.length + OVERHEAD_BYTES;
    this.#receiveBytes -= cost;
    this.#owner.context.budget.give(cost);
    return datagram;
  }

  /** A datagram came; its bytes are the socket's. Called by the transport. */
  deliver(datagram: Datagram): void {
    if (!this.#keep(datagram)) {
      this.#counts.dropped += 1;
      this.#owner.context.counters.add("udpQueue");
      return;
    }
    this.#counts.datagramsIn += 1;
    this.#counts.bytesIn += datagram.bytes.length;
    this.#readable = true;
    this.#owner.busy(this);
  }

  /** @returns false if the queue is full, or the network has no memory left */
  #keep(datagram: Datagram): boolean {
    const cost = datagram.bytes.length + OVERHEAD_BYTES;
    if (this.#receiveBytes + cost > this.#receiveLimit || !this.#owner.context.budget.take(cost)) return false;
    this.#receiveBytes += cost;
    this.#received.push(datagram);
    return true;
  }

  /** An ICMP error quotes a datagram from this port. @returns false if none went there */
  error({ kind, remote, mtu, length }: IcmpError, remotePort: number): boolean {
    const largest = this.#sentTo.get(destinationKey(remote, remotePort));
    if (largest === undefined) return false;
    if (kind === "too-big") {
      if (length > largest || mtu >= length) return false;
      this.#owner.context.ip.lowerMtu(remote, mtu);
    }
    // Told one by one, and no more of them than anybody would read.
    if (this.#errors.length < REMEMBERED) this.#errors.push({ error: ERRORS[kind], remote, port: remotePort });
    this.#owner.busy(this);
    return true;
  }

  /** What waits to be sent, oldest first. */
  get waiting(): readonly OutgoingDatagram[] {
    return this.#outgoingFrom === 0 ? this.#outgoing : this.#outgoing.slice(this.#outgoingFrom);
  }

  /** The `count` oldest that waited were sent, or could not be. */
  sent(count: number): void {
    for (let i = 0; i < count; i++) {
      const { flow, port, bytes } = this.#outgoing[this.#outgoingFrom + i]!;
      const cost = bytes.length + OVERHEAD_BYTES;
      this.#sendBytes -= cost;
      this.#owner.context.budget.give(cost);
      this.#counts.datagramsOut += 1;
      this.#counts.bytesOut += bytes.length;
      this.#remember(flow, port, bytes.length);
    }
    this.#outgoingFrom += count;
    if (this.#outgoingFrom === this.#outgoing.length) {
      this.#outgoing.length = 0;
      this.#outgoingFrom = 0;
    }
  }

  #remember({ remote }: Flow, port: number, bytes: number): void {
    const key = destinationKey(remote, port);
    const length = bytes + HEADER_BYTES + (remote.family === 4 ? 20 : 40);
    const largest = Math.max(length, this.#sentTo.get(key) ?? 0);
    this.#sentTo.delete(key);
    this.#sentTo.set(key, largest);
    if (this.#sentTo.size > REMEMBERED) this.#sentTo.delete(this.#sentTo.keys().next().value!);
  }

  /** Call the handler. Called by the transport when the stack is at rest. */
  tell(): void {
    // Asked after whatever was sent, mostly for nothing: that shall leave no garbage.
    if (this.#errors.length === 0 && !this.#readable && !this.#refused) return;
    const telling = new Telling();
    const errors = this.#errors;
    if (errors.length > 0) this.#errors = [];
    for (const { error, remote, port } of errors) {
      telling.call(() => this.#closed || this.handler.failed?.(error, remote, port), this);
    }
    if (this.#readable && !this.#closed) {
      this.#readable = false;
      telling.call(this.handler.readable, this.handler);
    }
    if (this.#refused && this.#sendBytes * 2 <= this.#sendLimit && !this.#closed) {
      this.#refused = false;
      telling.call(this.handler.writable, this.handler);
    }
    telling.end();
  }

  statistics(): UdpStatistics {
    const waiting = (from: number, all: readonly { bytes: Uint8Array }[]) =>
      all.slice(from).reduce((total, { bytes }) => total + bytes.length, 0);
    return {
      ...this.#counts,
      receiveQueue: waiting(this.#receivedFrom, this.#received),
      sendQueue: waiting(this.#outgoingFrom, this.#outgoing),
    };
  }

  /** What was given to `send` before still goes out; nothing is told any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#releaseReceived();
    if (this.#outgoing.length === this.#outgoingFrom) this.#owner.forget(this);
    else this.#owner.busy(this);
  }

  /** Give all memory back, sent or not. */
  destroy(): void {
    this.#closed = true;
    this.#releaseReceived();
    this.#owner.context.budget.give(this.#sendBytes);
    this.#sendBytes = 0;
    this.#outgoing.length = 0;
    this.#outgoingFrom = 0;
  }

  #releaseReceived(): void {
    this.#owner.context.budget.give(this.#receiveBytes);
    this.#receiveBytes = 0;
    this.#received.length = 0;
    this.#receivedFrom = 0;
  }
}

function destinationKey({ w0, w1, w2, w3 }: IpAddress, port: number): string {
  return `${w0},${w1},${w2},${w3},${port}`;
}
