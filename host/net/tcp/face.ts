/**
 * TCP as its users see it: what sockets, proxies and forwards stand on. Calls take effect in the stack's next turn, which they ask for
 * themselves (NetStack.wake). Handlers are called at the end of a turn, may call anything but NetStack.turn, and say that something
 * happened, not what: look with `read`, `room`, `state`.
 */
import type { IpAddress } from "../address.ts";
import type { Ownership } from "../inbound.ts";

/** RFC 9293 §3.3.2. */
export type TcpState =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT"
  | "CLOSED";

/** Why a connection ended, or was not made: the names that systems give to it. */
export type TcpFailure =
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ECONNABORTED"
  | "ETIMEDOUT"
  | "EHOSTUNREACH"
  | "ENETUNREACH"
  | "ENETDOWN"
  | "EACCES"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "ENOBUFS";

export interface TcpHandler {
  /** The connection is made. */
  connected?(): void;
  /** There are bytes to read, or the peer has ended its side. */
  readable?(): void;
  /** There is room again, after `write` took less than it was given. */
  writable?(): void;
  /** All that was written has been acknowledged, after there was something that was not. */
  drained?(): void;
  /** The end: both sides have ended (undefined), or it failed. Nothing is called after this. */
  closed?(failure: TcpFailure | undefined): void;
}

export interface KeepAlive {
  /** Silence before the first probe. */
  readonly idleMs: number;
  /** Between probes. */
  readonly intervalMs: number;
  /** Probes without an answer after which the connection fails with ETIMEDOUT. */
  readonly probes: number;
}

export interface TcpOptions {
  /** Send small writes at once instead of waiting for acknowledgements (RFC 9293 §3.7.4). Default: "nagle". */
  readonly coalesce?: "nagle" | "no-delay" | undefined;
  /** Default: none. */
  readonly keepAlive?: KeepAlive | undefined;
  /** Fail with ETIMEDOUT when what was sent stays unacknowledged for so long (RFC 5482); 0: as long as retransmissions go, about 15 minutes. */
  readonly userTimeoutMs?: number | undefined;
  /** DSCP in the upper six bits; the lower two are TCP's. Default 0. */
  readonly trafficClass?: number | undefined;
  /** Default 64. */
  readonly hopLimit?: number | undefined;
}

export interface TcpConnectOptions extends TcpOptions {
  readonly remote: IpAddress;
  readonly remotePort: number;
  /** By default chosen by destination (RFC 6724). */
  readonly local?: IpAddress | undefined;
  /** By default chosen at random (RFC 6056). */
  readonly localPort?: number | undefined;
  /** Until the connection has to be made, waiting for the tunnel included. Default 60 s. */
  readonly timeoutMs?: number | undefined;
  readonly handler?: TcpHandler | undefined;
}

export interface TcpListenOptions extends TcpOptions {
  /** By default all of ours, of both families. */
  readonly local?: IpAddress | undefined;
  /** 0: a free one. */
  readonly port: number;
  /** Connections that may wait for `accept`. More are not answered. Default 511. */
  readonly backlog?: number | undefined;
  /** A connection waits for `accept`. */
  acceptable?(): void;
}

export interface TcpStatistics {
  readonly state: TcpState;
  /** Payload that the peer acknowledged, and payload received in order. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly segmentsOut: number;
  readonly segmentsIn: number;
  readonly bytesRetransmitted: number;
  readonly timeouts: number;
  /** Smoothed, its variation, the least of late; in milliseconds, undefined before the first measurement. */
  readonly rttMs: number | undefined;
  readonly rttVariationMs: number | undefined;
  readonly rttLeastMs: number | undefined;
  readonly retransmissionTimeoutMs: number;
  /** In bytes. */
  readonly congestionWindow: number;
  readonly slowStartThreshold: number;
  readonly bytesInFlight: number;
  readonly peerWindow: number;
  readonly receiveWindow: number;
  readonly segmentBytes: number;
  /** Written and not acknowledged; received and not read. */
  readonly sendQueue: number;
  readonly receiveQueue: number;
}

/** One connection. */
export interface TcpStream {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: TcpState;
  /** May be changed at any time; what happened before is told to the new one. */
  handler: TcpHandler;

  /** The next bytes in order, at most `limit` of them, the caller's to keep; undefined while there are none. */
  read(limit?: number): Uint8Array | undefined;
  /** Bytes that `read` can give now. */
  readonly readableBytes: number;
  /** The peer ended its side and all was read. */
  readonly ended: boolean;

  /**
   * @param ownership "given": the array is the connection's and will not change; "lent": it is copied before the call returns
   * @returns how many bytes were taken, from the start; when not all, `writable` is called later
   */
  write(bytes: Uint8Array, ownership: Ownership): number;
  /** Bytes that `write` would take now; 0 after `shutdown` or the end. */
  readonly room: number;
  /** End our side once all that was written is sent; reading goes on. */
  shutdown(): void;
  /**
   * Nothing will be read or written any more: what was written is still sent, and what still comes is answered by a
   * reset, of which `closed` says nothing.
   */
  close(): void;
  /** Drop everything, reset the peer. `closed` is not called. */
  abort(): void;

  configure(options: TcpOptions): void;
  statistics(): TcpStatistics;
}

export interface TcpServer {
  /** Undefined: all of ours. */
  readonly local: IpAddress | undefined;
  readonly port: number;
  /** The oldest connection that waits, or undefined. */
  accept(): TcpStream | undefined;
  /** Connections that wait are reset. */
  close(): void;
}

/** What `NetStack.tcp` offers. */
export interface TcpService {
  /** @returns a connection in SYN-SENT; a failure is told by its handler @returns a failure when it cannot even begin */
  connect(options: TcpConnectOptions): TcpStream | TcpFailure;
  /** @returns EADDRINUSE, EADDRNOTAVAIL when the address is not ours */
  listen(options: TcpListenOptions): TcpServer | TcpFailure;
  /** Connections as of now. */
  connections(): Iterable<TcpStream>;
}
