/**
 * The chain of IPv6 extension headers (RFC 8200 §4): hop-by-hop options first or not at all, destination options,
 * routing headers that have nothing left to do, one fragment header. The chain is bounded in number, and ends at the
 * first header that is none of these. Behind a fragment header with an offset nothing can be read.
 */
import {
  DESTINATION_OPTIONS,
  FRAGMENT,
  FRAGMENT_HEADER_BYTES,
  HOP_BY_HOP,
  IPV6_HEADER_BYTES,
  ROUTING,
} from "./protocols.ts";

export type ExtensionFault =
  /** Cut off, or more of them than anybody needs. */
  | "extension"
  /** A first fragment that does not hold the whole chain (RFC 7112). */
  | "chain"
  /** An option that is not known and says to drop the packet then (RFC 8200 §4.2): silently, or … */
  | "option"
  /** … and tell the sender, whatever the destination was, or … */
  | "option-told"
  /** … only if it was not multicast. */
  | "option-told-unicast"
  /** A routing header with segments left: nothing is forwarded here (RFC 5095 for type 0). */
  | "routing";

/** Honest packets have at most one of each. */
const HEADERS_MAX = 8;
/** As Linux's max_dst_opts_number and max_hbh_opts_number. */
const OPTIONS_MAX = 8;
const PAD_1 = 0;
const ACTION_FAULTS = ["ok", "option", "option-told", "option-told-unicast"] as const;

export class ExtensionHeaders {
  protocol = 0;
  protocolAt = 0;
  payloadAt = 0;
  fragmentOffset = 0;
  moreFragments = false;
  identification = 0;
  faultAt = 0;

  /** @param packet where the IPv6 header starts, which is whole  @param end where the packet ends */
  walk(view: DataView, packet: number, end: number): ExtensionFault | "ok" {
    this.protocolAt = packet + 6;
    this.protocol = view.getUint8(this.protocolAt);
    this.payloadAt = packet + IPV6_HEADER_BYTES;
    this.fragmentOffset = 0;
    this.moreFragments = false;
    this.identification = 0;
    let fragmented = false;
    for (let count = 0; isExtension(this.protocol) && this.fragmentOffset === 0; count++) {
      const at = this.payloadAt;
      const kind = this.protocol;
      this.faultAt = this.protocolAt;
      // Anywhere else a hop-by-hop header is no known next header, and whoever dispatches says so.
      if (kind === HOP_BY_HOP && count > 0) return "ok";
      const cutOff = this.moreFragments ? "chain" : "extension";
      if (count === HEADERS_MAX || at + 8 > end) return cutOff;
      const length = kind === FRAGMENT ? FRAGMENT_HEADER_BYTES : (view.getUint8(at + 1) + 1) * 8;
      if (at + length > end) return cutOff;
      if (kind === FRAGMENT) {
        if (fragmented) return "extension";
        fragmented = true;
        this.#readFragment(view, at);
      } else if (kind === ROUTING) {
        this.faultAt = at + 2;
        if (view.getUint8(at + 3) !== 0) return "routing";
      } else {
        const fault = this.#checkOptions(view, at + 2, at + length);
        if (fault !== "ok") return fault;
      }
      this.protocol = view.getUint8(at);
      this.protocolAt = at;
      this.payloadAt = at + length;
    }
    return "ok";
  }

  #readFragment(view: DataView, at: number): void {
    const field = view.getUint16(at + 2);
    this.fragmentOffset = field & 0xfff8;
    this.moreFragments = (field & 1) !== 0;
    this.identification = view.getUint32(at + 4);
  }

  /** The two highest bits of an unknown option's type say what to do with the packet. All but padding are unknown. */
  #checkOptions(view: DataView, from: number, end: number): ExtensionFault | "ok" {
    let at = from;
    for (let count = 0; at < end; ) {
      const type = view.getUint8(at);
      if (type === PAD_1) {
        at += 1;
        continue;
      }
      this.faultAt = at;
      if (++count > OPTIONS_MAX || at + 2 > end || at + 2 + view.getUint8(at + 1) > end) return "extension";
      const fault = ACTION_FAULTS[type >> 6]!;
      if (fault !== "ok") return fault;
      at += 2 + view.getUint8(at + 1);
    }
    return "ok";
  }
}

function isExtension(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === FRAGMENT || protocol === DESTINATION_OPTIONS;
}
