/**
 * The network stack as a Tun that gives and takes single packets: superpackets are split here, slowly, so that what is tested is the
 * stack and no other part of the way.
 */
import type { Tun, TunEvents } from "../../../host/event/tun.ts";
import type { IpAddress } from "../../../host/net/address.ts";
import type { PacketSink } from "../../../host/net/sink.ts";
import { NetStack } from "../../../host/net/stack.ts";
import { PACKET_BYTES_MAX, VNET_BYTES } from "../../../host/net/vnet.ts";
import { splitPacket } from "../../net/split.ts";

export class PacketStackTun implements Tun, PacketSink {
  readonly mtu = 1420;
  readonly stack: NetStack;
  readonly bytes = new Uint8Array(VNET_BYTES + PACKET_BYTES_MAX);
  readonly view = new DataView(this.bytes.buffer);
  #events: TunEvents | undefined;
  #full = false;
  #turnDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(addresses: readonly IpAddress[]) {
    this.stack = new NetStack({
      sink: this,
      addresses,
      mtu: this.mtu,
      random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
      wake: () => this.#turnSoon(),
      now: performance.now(),
    });
  }

  open(events: TunEvents): void {
    this.#events = events;
    this.resume();
  }

  write(packet: Uint8Array): boolean {
    const bytes = new Uint8Array(VNET_BYTES + packet.length);
    bytes.set(packet, VNET_BYTES);
    this.stack.receive(bytes, 0, bytes.length, performance.now(), "given");
    this.#turnSoon();
    return true;
  }

  pause(): void {
    this.#full = true;
  }

  resume(): void {
    this.#full = false;
    this.stack.room();
  }

  close(): void {
    this.#events = undefined;
    clearTimeout(this.#timer);
    this.stack.close();
  }

  reserve(): number {
    return this.#full || this.#events === undefined ? -1 : 0;
  }

  commit(_at: number, length: number): void {
    for (const packet of splitPacket(this.bytes.subarray(0, length))) this.#events?.receive(packet);
  }

  #turnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      this.stack.turn(performance.now());
      clearTimeout(this.#timer);
      const wait = this.stack.nextDeadline() - performance.now();
      if (wait < 2 ** 31) this.#timer = setTimeout(() => this.#turnSoon(), Math.max(0, Math.ceil(wait)));
    });
  }
}
