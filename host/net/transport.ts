/**
 * The border between IP and what stands on it (tcp/, udp/, icmp/). A transport registers for its protocol number with
 * `NetStack.register`; IP hands it whole, reassembled packets that are for our addresses, and ICMP errors about packets that are ours
 * by their quoted addresses. It sends through `IpOutput`. Everything it needs of the world comes in a `Context`.
 */
import type { Instant } from "../time/instant.ts";
import type { Sleeper, TimerQueue } from "../time/timer-queue.ts";
import type { IpAddress } from "./address.ts";
import type { MemoryBudget } from "./budget.ts";
import type { NetCounters } from "./counters.ts";
import type { Inbound } from "./inbound.ts";
import type { RandomSource } from "./random.ts";

/** Something that is to be woken at a time. It moves its time by `timers.schedule` and costs nothing while it is not in there. */
export interface Timer extends Sleeper {
  /** It is due, or was scheduled for earlier than it now needs: look, and schedule again. */
  wake(now: Instant): void;
}

/** What the layers of one stack share. */
export interface Context {
  /** The time of the call under way. */
  readonly now: Instant;
  readonly timers: TimerQueue<Timer>;
  readonly random: RandomSource;
  readonly counters: NetCounters;
  readonly budget: MemoryBudget;
  readonly ip: IpOutput;
  /** Have `NetStack.turn` called soon: something waits to be sent or told. Cheap to repeat. */
  wake(): void;
}

/** Whose packets go where: one socket's or connection's ends, and the marks of its packets. */
export interface Flow {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  /** DSCP and ECN. */
  readonly trafficClass: number;
  /** 64 where 0. */
  readonly hopLimit: number;
}

/** The sending side of IP. One packet at a time: `reserve`, write the transport's part at the offset returned, then `commit`. */
export interface IpOutput {
  /** Of the sink; read both anew after each `reserve`. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Counts changes of what `pathMtu` says, so that nobody has to ask for each packet. */
  readonly mtuEpoch: number;

  /** The address of ours that packets to `destination` come from; undefined without one of its family, and where none may go. */
  source(destination: IpAddress): IpAddress | undefined;
  /** Whether packets may go there, whatever they come from. */
  mayReach(destination: IpAddress): boolean;
  /** Whether packets to this address are for us. */
  isOurs(address: IpAddress): boolean;
  /** Largest IP packet that gets to `destination` whole: that of the interface or what was learnt. */
  pathMtu(destination: IpAddress): number;
  /** The caller has verified an ICMP error, or a probe failed: no packet over `mtu` goes to `destination` for some time. */
  lowerMtu(destination: IpAddress, mtu: number): void;
  /** A packet of that size arrived there: what was learnt less of is not so. */
  raiseMtu(destination: IpAddress, mtu: number): void;
  /** Whether a packet to `destination` would leave at once (PacketSink.ready). */
  ready(destination: IpAddress): boolean;

  /**
   * Room for a packet of `length` bytes after the IP header, which is written here (IPv4 with DF).
   * @returns where the transport header goes, or -1 when the sink is full: wait for `Transport.room`
   */
  reserve(flow: Flow, protocol: number, length: number): number;
  /**
   * Send what was reserved. The checksum is finished by whoever takes the packet.
   * @param checksumOffset from the start of the transport header; -1: the transport has written its own checksum
   * @param headers        bytes of the transport header
   * @param segment        payload bytes of each segment of a superpacket; 0 for a packet that goes as it is
   */
  commit(checksumOffset: number, headers: number, segment: number): void;
  /**
   * Send a datagram, in fragments where it is larger than the path.
   * @param payload transport header, with its checksum, and data; read before this returns
   * @returns "too big" for what no datagram can carry, "full" when there was no room: wait for `Transport.room`
   */
  sendDatagram(flow: Flow, protocol: number, payload: Uint8Array): "sent" | "full" | "too big";
}

/** An ICMP error about a packet that went from `local` to `remote`. Whether it can be true is the transport's to check (RFC 5927). */
export interface IcmpError {
  readonly kind: "too-big" | "network" | "host" | "protocol" | "port" | "prohibited" | "hop-limit" | "parameter";
  /** For "too-big": largest packet that passes, or a guess where the router did not say. */
  readonly mtu: number;
  /** Bytes of the packet that came to nothing, by its own account. */
  readonly length: number;
  readonly local: IpAddress;
  readonly remote: IpAddress;
  /** The quoted packet from its transport header on; at least 8 bytes. Good until the call returns. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
}

export interface Transport {
  /** A packet for us. What is wrong with it is counted, never thrown. */
  receive(packet: Inbound): void;
  error(error: IcmpError): void;
  /** The sink has room again: go on sending in the next turn. */
  room(): void;
  /** Connection requests that waited for `ready` may go. */
  ready(): void;
  /** Send what waits. Called once after each batch of packets, timers, and calls of the user. */
  turn(): void;
  /** Call the user's handlers: the stack is at rest, and they may call anything. */
  tell(): void;
  /** The stack ends: forget everything, send nothing, give all memory back. */
  close(): void;
}
