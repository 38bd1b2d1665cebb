/** The ICMP error of a router whose next link is too small (RFC 792 with RFC 1191, RFC 4443 §3.2), built slowly. */
import { concat, onesSum, view } from "../reference/packets.ts";

const ROUTER_IPV4 = Uint8Array.of(192, 0, 2, 254);
const ROUTER_IPV6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe);

export interface ErrorFields {
  readonly type: number;
  readonly code: number;
  /** Of the 32 bits before the quoted packet. */
  readonly word: number;
  readonly from?: Uint8Array;
  readonly quotedBytes?: number;
}

/** An ICMP error about `packet`, to its source. */
export function icmpError(packet: Uint8Array, fields: ErrorFields): Uint8Array {
  const ipv4 = packet[0]! >> 4 === 4;
  const quoted = packet.subarray(0, fields.quotedBytes ?? (ipv4 ? 548 : 1232));
  const body = concat(new Uint8Array(8), quoted);
  body.set([fields.type, fields.code]);
  view(body).setUint32(4, fields.word);
  const source = fields.from ?? (ipv4 ? ROUTER_IPV4 : ROUTER_IPV6);
  const destination = ipv4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
  return icmpPacket(body, source, destination);
}

/** @param body with a checksum of zero */
export function icmpPacket(body: Uint8Array, source: Uint8Array, destination: Uint8Array, hopLimit = 64): Uint8Array {
  const addresses = concat(source, destination);
  if (source.length === 4) {
    view(body).setUint16(2, 0xffff - onesSum(body));
    const header = new Uint8Array(12);
    header.set([0x45, 0, 0, 0, 0, 0, 0, 0, hopLimit, 1]);
    view(header).setUint16(2, 20 + body.length);
    view(header).setUint16(10, 0xffff - onesSum(concat(header, addresses)));
    return concat(header, addresses, body);
  }
  const pseudo = new Uint8Array(8);
  view(pseudo).setUint32(0, body.length);
  pseudo[7] = 58;
  view(body).setUint16(2, 0xffff - onesSum(body, onesSum(concat(addresses, pseudo))));
  const header = new Uint8Array(8);
  header.set([0x60, 0, 0, 0, body.length >> 8, body.length & 255, 58, hopLimit]);
  return concat(header, addresses, body);
}

export function tooBig(packet: Uint8Array, mtu: number): Uint8Array {
  const ipv4 = packet[0]! >> 4 === 4;
  return icmpError(packet, ipv4 ? { type: 3, code: 4, word: mtu } : { type: 2, code: 0, word: mtu });
}
