/**
 * A machine of the tests: a network stack, driven by the virtual clock. What it sends is split as the core would do it and
 * handed to `send`, packet by packet; what arrives is received, and a turn is taken when all that comes at one time is there.
 */
import { IpAddress } from "../../host/net/address.ts";
import type { PacketSink } from "../../host/net/sink.ts";
import { NetStack } from "../../host/net/stack.ts";
import { PACKET_BYTES_MAX, VNET_BYTES } from "../../host/net/vnet.ts";
import type { Random } from "../simulation/random.ts";
import type { VirtualClock } from "./clock.ts";
import { splitPacket } from "./split.ts";

const ROOM = VNET_BYTES + PACKET_BYTES_MAX;

export interface HostOptions {
  readonly addresses: readonly string[];
  readonly mtu: number;
  readonly budgetBytes?: number;
  /** A packet goes out. The array is the receiver's own. */
  send(packet: Uint8Array): void;
  /** Whether a packet may leave at once (PacketSink.ready). */
  ready?(destination: IpAddress): boolean;
}

class SplittingSink implements PacketSink {
  readonly bytes = new Uint8Array(ROOM);
  readonly view = new DataView(this.bytes.buffer);
  readonly ready?: (destination: IpAddress) => boolean;
  /** Closed: there is no room, as when the tunnel is congested. */
  full = false;
  refused = false;
  readonly #send: (packet: Uint8Array) => void;

  constructor(options: HostOptions) {
    this.#send = (packet) => options.send(packet);
    if (options.ready !== undefined) this.ready = (destination) => options.ready!(destination);
  }

  reserve(length: number): number {
    if (length > ROOM) throw new Error(`${length} bytes do not fit into a packet`);
    this.refused ||= this.full;
    return this.full ? -1 : 0;
  }

  commit(at: number, length: number): void {
    for (const packet of splitPacket(this.bytes.subarray(at, at + length))) this.#send(packet);
  }
}

export class Host {
  readonly stack: NetStack;
  readonly sink: SplittingSink;
  readonly #clock: VirtualClock;
  /** When the next turn is planned. */
  #planned = Number.POSITIVE_INFINITY;

  constructor(clock: VirtualClock, random: Random, options: HostOptions) {
    this.#clock = clock;
    this.sink = new SplittingSink(options);
    this.stack = new NetStack({
      sink: this.sink,
      addresses: options.addresses.map((text) => IpAddress.parse(text)!),
      mtu: options.mtu,
      random: (into) => random.fill(into),
      wake: () => this.#plan(clock.now),
      budgetBytes: options.budgetBytes,
      now: clock.now,
    });
  }

  /** A packet without a vnet header arrives. */
  receive(packet: Uint8Array): void {
    const bytes = new Uint8Array(VNET_BYTES + packet.length);
    bytes.set(packet, VNET_BYTES);
    this.receiveVnet(bytes);
  }

  /** A packet with a vnet header arrives, perhaps a merged one. */
  receiveVnet(bytes: Uint8Array): void {
    this.stack.receive(bytes, 0, bytes.length, this.#clock.now, "given");
    this.#plan(this.#clock.now);
  }

  /** There is room again, or none any more. */
  congested(full: boolean): void {
    this.sink.full = full;
    if (full || !this.sink.refused) return;
    this.sink.refused = false;
    this.stack.room();
    this.#plan(this.#clock.now);
  }

  /** The tunnel has a session now (PacketSink.ready). */
  ready(): void {
    this.stack.ready();
    this.#plan(this.#clock.now);
  }

  #plan(at: number): void {
    if (at >= this.#planned) return;
    this.#planned = at;
    this.#clock.at(at, () => this.#turn(at));
  }

  #turn(planned: number): void {
    if (planned !== this.#planned) return; // planned for earlier since
    this.#planned = Number.POSITIVE_INFINITY;
    this.stack.turn(this.#clock.now);
    this.#plan(this.stack.nextDeadline());
  }
}
