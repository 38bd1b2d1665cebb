/**
 * What a proxy or a forward asks of the network it leads into: byte streams and datagrams by name or address. The tunnel's
 * network is one such way; names are looked up on its far side, never on this machine. Errors have the codes of the
 * system's own: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, ENOTFOUND.
 */
import type { Duplex } from "node:stream";

/** A host name or an address without brackets, and a port of 1 to 65535. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** An open UDP socket of that network. Datagrams that cannot be sent are lost, as on any network. */
export interface Datagrams {
  send(payload: Uint8Array, to: Target): void;
  close(): void;
}

/** One that is connected: it sends to its target, and hears it alone. */
export interface Correspondence {
  send(payload: Uint8Array): void;
  close(): void;
}

/** Where a datagram came from: always an address, never a name. */
export type OnDatagram = (payload: Uint8Array, from: Target) => void;

export interface InnerListener {
  close(): void;
}

export interface Way {
  /**
   * A stream that emits "connect" once the far end has accepted, or "error"; to destroy it before gives up. Half-close passes in both
   * directions.
   */
  connect(target: Target): Duplex;
  datagrams(onDatagram: OnDatagram): Promise<Datagrams>;
  /** A socket for one target, whose answers alone are handed over. */
  correspond(target: Target, onAnswer: (payload: Uint8Array) => void): Promise<Correspondence>;
  /** As `datagrams`, at a port of its own. */
  bind(port: number, onDatagram: OnDatagram): Promise<Datagrams>;
  /** Accept connections that come from inside. */
  listen(port: number, onConnection: (stream: Duplex) => void): Promise<InnerListener>;
}

/** `host:port`, an IPv6 address in brackets. */
export function describeTarget({ host, port }: Target): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
