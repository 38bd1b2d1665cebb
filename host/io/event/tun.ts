/**
 * What the event driver asks of a network interface, real or not. Packets are whole IPv4 or IPv6 packets without
 * any header in front. Nothing in here may queue without bound: an interface that is full drops, as interfaces do.
 */
export interface TunEvents {
  /** The host wants this packet sent. The bytes have been read when it returns. */
  receive(packet: Uint8Array): void;
  /** The interface ended by itself; told once. */
  failed(cause: unknown): void;
}

export interface Tun {
  /** Largest packet in bytes; 1420 when undefined. */
  readonly mtu?: number | undefined;

  /** Begin. No event comes after `close`. */
  open(events: TunEvents): void | Promise<void>;

  /** A packet for the host. The array is the interface's own from now on. @returns false if it had to be dropped */
  write(packet: Uint8Array): boolean;

  /** The network has little room left: let packets wait where they come from until `resume`. A few more do no harm. */
  pause?(): void;
  resume?(): void;

  /** Packets of the host that found no room on their way to `receive`. */
  readonly drops?: bigint | undefined;

  /** Whether it keeps the process alive: `ref`, as it does at first, or `unref`. */
  ref?(): void;
  unref?(): void;

  close(): void | Promise<void>;
}
