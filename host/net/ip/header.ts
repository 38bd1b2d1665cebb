/**
 * Reads the headers of one IPv4 or IPv6 packet (RFC 791, RFC 8200) up to what the transport begins with. One object is
 * used again for every packet. Nothing is copied and nothing trusted: `parse` says what is wrong. All offsets are into
 * the buffer that the packet lies in, and valid until the next call; after a fault only what its docs say is.
 */
import { complement, fold, sum } from "../checksum.ts";
import { type ExtensionFault, ExtensionHeaders } from "./extension-headers.ts";
import { DATAGRAM_BYTES_MAX, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "./protocols.ts";

export type HeaderFault =
  /** Shorter than its headers, or than it says. */
  | "short"
  /** Neither 4 nor 6. */
  | "version"
  | "checksum"
  /** IPv4 options that are cut off, or a source route. */
  | "options"
  /** A fragment of no bytes, of a length that none may have, or beyond the largest datagram. */
  | "fragment"
  | ExtensionFault;

/** IPv4 options (RFC 791 §3.1, RFC 7126). */
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;
const MORE_FRAGMENTS = 0x2000;

export class IpHeader {
  version: 4 | 6 = 4;
  /** Where the packet starts. */
  packet = 0;
  /** DSCP and ECN. */
  trafficClass = 0;
  hopLimit = 0;
  /** Of what lies at `payloadAt`; of a fragment after the first, of what the datagram carries. */
  protocol = 0;
  /** Where the byte that names `protocol` is, for a Parameter Problem. */
  protocolAt = 0;
  payloadAt = 0;
  /** Where the packet ends by its own account: bytes after it are padding. */
  end = 0;
  /** In bytes; of what follows the fragment header. */
  fragmentOffset = 0;
  moreFragments = false;
  /** False for whole packets, atomic fragments (RFC 6946) among them. */
  isFragment = false;
  identification = 0;
  /** Where a fault lies, for a Parameter Problem. */
  faultAt = 0;
  readonly #extensions = new ExtensionHeaders();

  /** @param at where the packet starts  @param limit where the bytes that came end; at most the view's length */
  parse(view: DataView, at: number, limit: number): HeaderFault | "ok" {
    if (limit <= at) return "short";
    this.packet = at;
    this.isFragment = false;
    this.fragmentOffset = 0;
    this.moreFragments = false;
    const version = view.getUint8(at) >> 4;
    if (version === 4) return this.#parseIpv4(view, at, limit);
    if (version === 6) return this.#parseIpv6(view, at, limit);
    return "version";
  }

  /** Bytes of transport header and data. */
  get payloadBytes(): number {
    return this.end - this.payloadAt;
  }

  /** Where the source is; the destination follows it. */
  get addressesAt(): number {
    return this.packet + (this.version === 4 ? 12 : 8);
  }

  #parseIpv4(view: DataView, at: number, limit: number): HeaderFault | "ok" {
    if (limit - at < IPV4_HEADER_BYTES) return "short";
    const headerBytes = (view.getUint8(at) & 15) * 4;
    const length = view.getUint16(at + 2);
    if (headerBytes < IPV4_HEADER_BYTES || length < headerBytes || length > limit - at) return "short";
    if (fold(sum(view, at, at + headerBytes)) !== 0xffff) return "checksum";
    this.version = 4;
    this.trafficClass = view.getUint8(at + 1);
    const fragment = view.getUint16(at + 6);
    this.hopLimit = view.getUint8(at + 8);
    this.protocol = view.getUint8(at + 9);
    this.protocolAt = at + 9;
    this.payloadAt = at + headerBytes;
    this.end = at + length;
    this.identification = view.getUint16(at + 4);
    this.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
    this.fragmentOffset = (fragment & 0x1fff) * 8;
    this.isFragment = this.moreFragments || this.fragmentOffset > 0;
    if (headerBytes > IPV4_HEADER_BYTES && !this.#checkOptions(view, at + IPV4_HEADER_BYTES, at + headerBytes)) {
      return "options";
    }
    return this.isFragment ? this.#checkFragment() : "ok";
  }

  /** All but source routes are passed over (RFC 7126); what is cut off is not. */
  #checkOptions(view: DataView, from: number, end: number): boolean {
    let at = from;
    while (at < end) {
      const kind = view.getUint8(at);
      this.faultAt = at;
      if (kind === END_OF_OPTIONS) return true;
      if (kind === NO_OPERATION) {
        at += 1;
        continue;
      }
      const length = at + 1 < end ? view.getUint8(at + 1) : 0;
      if (length < 2 || at + length > end) return false;
      if (kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) return false;
      at += length;
    }
    return true;
  }

  #parseIpv6(view: DataView, at: number, limit: number): HeaderFault | "ok" {
    if (limit - at < IPV6_HEADER_BYTES) return "short";
    // Jumbograms (RFC 2675) do not fit through the tunnel: a length of zero means no payload.
    const end = at + IPV6_HEADER_BYTES + view.getUint16(at + 4);
    if (end > limit) return "short";
    this.version = 6;
    this.trafficClass = (view.getUint16(at) >> 4) & 0xff;
    this.hopLimit = view.getUint8(at + 7);
    this.end = end;
    const extensions = this.#extensions;
    const fault = extensions.walk(view, at, end);
    this.protocol = extensions.protocol;
    this.protocolAt = extensions.protocolAt;
    this.payloadAt = extensions.payloadAt;
    this.faultAt = extensions.faultAt;
    if (fault !== "ok") return fault;
    this.identification = extensions.identification;
    this.fragmentOffset = extensions.fragmentOffset;
    this.moreFragments = extensions.moreFragments;
    this.isFragment = this.moreFragments || this.fragmentOffset > 0;
    return this.isFragment ? this.#checkFragment() : "ok";
  }

  /** All but the last carry a multiple of eight bytes, and none reaches beyond the largest datagram (RFC 8200 §4.5). */
  #checkFragment(): HeaderFault | "ok" {
    const length = this.payloadBytes;
    if (length === 0) return "fragment";
    if (this.moreFragments && length % 8 !== 0) {
      this.faultAt = this.packet + (this.version === 4 ? 2 : 4); // the length field
      return "fragment";
    }
    const inFront = this.version === 4 ? IPV4_HEADER_BYTES : 0;
    if (inFront + this.fragmentOffset + length > DATAGRAM_BYTES_MAX) {
      this.faultAt = this.version === 4 ? this.packet + 6 : this.payloadAt - 6; // the offset field
      return "fragment";
    }
    return "ok";
  }
}

/** Write an IPv4 header's checksum, whatever stood there. */
export function sealIpv4(view: DataView, at: number, headerBytes: number): void {
  view.setUint16(at + 10, 0);
  view.setUint16(at + 10, complement(sum(view, at, at + headerBytes)));
}
