/**
 * The packet that an ICMP error quotes, as far as it goes: who sent it to whom, and at least eight bytes of its transport header
 * (RFC 792). The length that it claims may be more than what is quoted.
 */
import { IpAddress, MAPPED_WORD } from "../address.ts";
import { ExtensionHeaders } from "../ip/extension-headers.ts";
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "../ip/protocols.ts";

const TRANSPORT_BYTES_MIN = 8;

export class QuotedPacket {
  source = new IpAddress(0, 0, 0, 0);
  destination = new IpAddress(0, 0, 0, 0);
  protocol = 0;
  /** Where its transport header starts. */
  start = 0;
  /** Bytes of the whole packet, by its own account. */
  length = 0;
  readonly #extensions = new ExtensionHeaders();

  /** @returns false if it is not the beginning of a packet, or of a first fragment, of this family */
  parse(view: DataView, at: number, end: number, family: 4 | 6): boolean {
    const headerBytes = family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    if (end - at < headerBytes || view.getUint8(at) >> 4 !== family) return false;
    return (
      (family === 4 ? this.#parseIpv4(view, at) : this.#parseIpv6(view, at, end)) &&
      end - this.start >= TRANSPORT_BYTES_MIN
    );
  }

  #parseIpv4(view: DataView, at: number): boolean {
    const headerBytes = (view.getUint8(at) & 15) * 4;
    if (headerBytes < IPV4_HEADER_BYTES || (view.getUint16(at + 6) & 0x1fff) !== 0) return false;
    this.start = at + headerBytes;
    this.length = view.getUint16(at + 2);
    this.protocol = view.getUint8(at + 9);
    this.source = new IpAddress(0, 0, MAPPED_WORD, view.getInt32(at + 12));
    this.destination = new IpAddress(0, 0, MAPPED_WORD, view.getInt32(at + 16));
    return true;
  }

  #parseIpv6(view: DataView, at: number, end: number): boolean {
    const extensions = this.#extensions;
    if (extensions.walk(view, at, end) !== "ok" || extensions.fragmentOffset > 0) return false;
    this.start = extensions.payloadAt;
    this.length = IPV6_HEADER_BYTES + view.getUint16(at + 4);
    this.protocol = extensions.protocol;
    this.source = addressAt(view, at + 8);
    this.destination = addressAt(view, at + 24);
    return true;
  }
}

function addressAt(view: DataView, at: number): IpAddress {
  return new IpAddress(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
}
