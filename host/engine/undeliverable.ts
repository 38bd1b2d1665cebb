/**
 * ICMP errors to the sender inside: a packet that no peer takes is answered with "destination unreachable" instead of
 * silence, as the kernel does (icmp_ndo_send in wg_xmit), and one that no datagram can carry with "too big". At a
 * bounded rate, for the sender may be anyone.
 */
import { ICMP_HOST_UNREACHABLE, ICMP_TOO_BIG, VNET_BYTES } from "../core/codes.ts";
import type { Address, Core } from "../core/core.ts";
import type { Instant } from "../time/instant.ts";

/** As Linux's icmp_msgs_per_sec and icmp_msgs_burst. */
const PER_SECOND = 1_000;
const BURST = 50;

export interface IcmpSink {
  inject(address: Address, length: number): void;
}

export class Undeliverable {
  readonly #core: Core;
  readonly #sink: IcmpSink;
  #tokens = BURST;
  #at: Instant = 0;

  constructor(core: Core, sink: IcmpSink) {
    this.#core = core;
    this.#sink = sink;
  }

  /** The read at `vnet` could not be sent to anybody. It is spoilt. */
  unreachable(vnet: Address, length: number, now: Instant): void {
    this.#answer(vnet, length, ICMP_HOST_UNREACHABLE, 0, now);
  }

  /** The read at `vnet` does not fit into a datagram; packets of `mtu` bytes do. It is spoilt. */
  tooBig(vnet: Address, length: number, mtu: number, now: Instant): void {
    this.#answer(vnet, length, ICMP_TOO_BIG, mtu, now);
  }

  #answer(vnet: Address, length: number, kind: number, mtu: number, now: Instant): void {
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) * PER_SECOND) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return;
    const out = this.#core.at.icmpBuffer;
    const error = this.#core.exports.icmpErrorForRead(out + VNET_BYTES, vnet, length, kind, mtu);
    if (error === 0) return;
    this.#tokens -= 1;
    this.#core.wipe(out, VNET_BYTES);
    this.#sink.inject(out, error + VNET_BYTES);
  }
}
