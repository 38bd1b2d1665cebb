/**
 * What a lane is plugged into: an Inside (a TUN device, a pair in memory, a network stack), an Outside (UDP sockets, any
 * Bind, a relay), and a Control that decides about what has no session. All are called synchronously and never wait.
 * Packets lie in the core's linear memory and are named by address; memory named in a call is good until the call returns.
 *
 *   inside.read → Lane → outside.send          outside.receive → Lane → inside.write
 *
 * Backpressure: a lane reads from its inside only while its outside has room. An inside therefore queues nothing here and
 * loses nothing: what it cannot hand over yet stays where it came from (a socket buffer, the kernel's queue).
 */
import type { Address } from "../core/core.ts";

export interface Inside {
  /**
   * Put the packet that waits next at `at`, a vnet header (core/records/vnet.ts) in front. It may be a superpacket of up
   * to 64 KiB: with gso_type and gso_size set, the core splits it, and computes checksums where NEEDS_CSUM is set. Where there
   * is nothing to say, the header is zero.
   * @param at room for VNET_BYTES + MESSAGE_BYTES_MAX bytes
   * @returns bytes of both; 0 or less when nothing waits
   */
  read(at: Address): number;

  /**
   * Take WRITE descriptors 0 to count − 1, in order. Each is a gather list that makes up one packet, merged to a superpacket
   * with a vnet header in front where `setTun` said so.
   */
  write(count: number): void;

  /** Take one packet that the engine made (an ICMP error): `length` bytes, vnet header included. */
  inject(at: Address, length: number): void;
}

export interface Outside {
  /**
   * False while it has little room: the lane leaves packets where they are and is called again once there is room. What is on
   * its way already is still taken.
   */
  readonly hasRoom: boolean;

  /**
   * Fill RX descriptors 0 to most − 1 with what came in over one address family.
   * @returns how many are filled; 0 or less when nothing waits
   */
  receive(family: 4 | 6, most: number): number;

  /**
   * Send TX descriptors 0 to count − 1.
   * @returns 0 when all went as asked; otherwise ask `refused` and `lostSource` about each
   */
  send(count: number): number;

  /** Whether descriptor `index` of the last `send` was refused. */
  refused(index: number): boolean;

  /** Whether descriptor `index` of the last `send` went only after its cached source address was left out. */
  lostSource(index: number): boolean;
}

/** Decides what becomes of packets without a session: the engine on the first thread, a channel to it on the others. */
export interface Control {
  /** It is `now`; what follows happens at this moment. */
  tell(now: number): void;

  /** One read for `peer` was sealed and goes out with the next flush. */
  sent(peer: number): void;

  /** The session with `peer` wants replacing. */
  wantsRekey(peer: number): void;

  /**
   * The packet at `vnet` could not be sealed: stage it, answer it with an ICMP error, or hand it to who can.
   * @param status SEND_… of core/codes.ts
   * @param peer   slot, where the packet has one
   */
  unsent(status: number, peer: number, vnet: Address, length: number): void;

  /** A batch was received: peers may have events (`takeTouched`), handshake messages may wait (`queued`). */
  received(): void;

  /** The system refused the cached source address of `peer`. */
  sourceRefused(peer: number): void;

  /** Whether another thread waits for this one to pause between two batches. */
  readonly isWanted: boolean;

  /** Pause for as long as the other thread needs. Nothing waits to be sent at this moment. */
  giveWay(): void;
}
