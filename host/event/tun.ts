/**
 * What the event driver asks of a network interface, real or not. Packets are whole IPv4 or IPv6 packets without
 * any header in front, unless it says `superpackets`. Nothing in here may queue without bound: an interface that is full drops, as interfaces do.
 */
export interface TunEvents {
  /** The host wants this packet sent. The bytes have been read when it returns. */
  receive(packet: Uint8Array): void;
  /** The interface ended by itself; told once. */
  failed(cause: unknown): void;
  /** `receive` calls nobody: an interface may hand over a packet inside of the call that brought it. */
  readonly callsNobody?: boolean;
  /** False: what is handed over now is lost. `pause` comes as soon as it may, and `resume` after it. */
  hasRoom?(): boolean;
  /** For an interface with `superpackets`: where its packets go in, instead of `receive`. */
  place?(): SuperpacketPlace;
}

/** Superpackets enter without a copy: they are written where the core reads them. */
export interface SuperpacketPlace {
  readonly bytes: Uint8Array;
  /** Room for a vnet header (assembly/abi.ts) and a packet, MESSAGE_BYTES_MAX in all. Not kept from one `send` to the next. */
  readonly at: number;
  /** The packet is there. @param length vnet header included; the core splits what has a gso_type, and finishes checksums */
  send(length: number): void;
  /**
   * Whether a packet to this address would leave at once. If not, the handshake that it needs is begun.
   * @param address 4 or 16 bytes
   */
  ready(address: Uint8Array): boolean;
}

export interface Tun {
  /** Largest packet in bytes; 1420 when undefined. */
  readonly mtu?: number | undefined;

  /**
   * Packets have a vnet header in front, both ways: `write` is given merged superpackets of up to 64 KiB, and what goes out is put into
   * `TunEvents.place`.
   */
  readonly superpackets?: boolean | undefined;

  /**
   * Packets given to `write` may share their buffer with others of the same device, which is faster: bytes around them are not to be
   * touched, and the buffer is not to be transferred. Otherwise each has its own.
   */
  readonly sharesBuffers?: boolean | undefined;

  /** Begin. No event comes after `close`. */
  open(events: TunEvents): void | Promise<void>;

  /** A packet for the host. The array is the interface's own from now on. @returns false if it had to be dropped */
  write(packet: Uint8Array): boolean;

  /** As `write`, where `write` copies. @returns false if it had to be dropped */
  give?(packet: Uint8Array<ArrayBuffer>): boolean;

  /** The network has little room left: let packets wait where they come from until `resume`. A few more do no harm. */
  pause?(): void;
  resume?(): void;

  /** Packets of the host that found no room on their way to `receive`. */
  readonly drops?: bigint | undefined;

  /** Whether it keeps the process alive: `ref`, as it does at first, or `unref`. */
  ref?(): void;
  unref?(): void;

  /** Sessions may have changed: what `place.ready` denied may be so now. */
  sessionsChanged?(): void;

  close(): void | Promise<void>;
}
