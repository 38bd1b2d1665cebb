/** What the event driver asks of UDP: sockets, a simulated network, a relay. */
import type { Endpoint } from "../address/endpoint.ts";

export interface BindEvents {
  /** Largest packet inside of the tunnel in bytes: datagrams are longer by their header and tag. 1420 when undefined. */
  readonly mtu?: number | undefined;
  /**
   * A datagram came. The bytes have been read when it returns. The same Endpoint object for the same sender saves
   * time.
   */
  receive(datagram: Uint8Array, from: Endpoint): void;
  /**
   * A train of one sender: datagrams of `segment` bytes one behind the other, only the last may be shorter. It is taken at once, where
   * `receive` takes a copy of each.
   */
  receiveTrain?(train: Uint8Array, segment: number, from: Endpoint): void;
  /** A datagram that `send` had taken was refused after all. */
  lost(cause?: unknown): void;
  /** A socket stopped working. */
  failed(cause: unknown): void;
  /** What it listens on is gone (an address of this machine, say): nothing comes any more, until `back`. */
  gone?(cause: unknown): void;
  /** It listens again. */
  back?(): void;
  /** Little room is left for datagrams: the Tun pauses. A bind that says so says `drained` later, at the latest when it is closed. */
  full?(): void;
  /** There is room again. */
  drained?(): void;
  /** Datagrams wait in a socket of a DirectBind. */
  readable?(family: 4 | 6): void;
}

export interface Bind {
  /**
   * Begin on `port`, or on a free one for 0. A bind that was closed can be opened again.
   * @returns the port
   * @throws PortInUseError, BindError
   */
  open(port: number, events: BindEvents): number | Promise<number>;

  /**
   * Move to another port, 0 for a free one, while it is open. What is in use stays so until the new port is there.
   * Without this, `close` and `open` are called.
   * @returns the port
   * @throws PortInUseError, BindError; it goes on with the old port then
   */
  move?(port: number): number | Promise<number>;

  /** Whether it keeps the process alive: `ref`, as it does at first, or `unref`. */
  ref?(): void;
  unref?(): void;

  /** Datagrams that came and found no room before anybody could receive them, as far as it can be known. */
  readonly drops?: bigint | undefined;

  /** Send one datagram. The array is the bind's own from now on. @returns false if it had to be dropped */
  send(datagram: Uint8Array, to: Endpoint): boolean;

  /**
   * Send a train: datagrams of `segment` bytes one behind the other, only the last may be shorter; 64 of them, and 65,527 bytes, at most.
   * The bytes have been read when it returns. Without this, each is given to `send`.
   * @returns false if it had to be dropped
   */
  sendTrain?(train: Uint8Array, segment: number, to: Endpoint): boolean;

  /** No event comes after this call. */
  close(): void | Promise<void>;
}
