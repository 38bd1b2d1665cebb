/**
 * What a packet is to the coalescer: its place in a flow, and whether it may be merged at all.
 * A flow is addresses, ports and protocol. Its packets keep their order whatever becomes of them, so a packet
 * that cannot be merged still has to be found in its flow, and one whose flow cannot be told ends all of them.
 */
import { fold, ipv4HeaderSum, transportSum } from "./checksum";
import {
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  FRAGMENT,
  FRAGMENT_MF_OFFSET,
  HOP_BY_HOP,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_HEADER,
  IPV4_LENGTH,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV6_HEADER,
  IPV6_LENGTH,
  IPV6_NEXT,
  IPV6_SOURCE,
  load16,
  ROUTING,
  TCP,
  UDP,
  version,
} from "./ip";
import {
  FLAG_ACK,
  FLAG_PSH,
  TCP_ACK,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_OFFSET,
  UDP_CHECKSUM,
  UDP_HEADER,
  UDP_LENGTH,
} from "./transport-header";

/** No flow that could be merged: passes through. */
export const FLOW_NONE: u32 = 0;
/** Some flow, no telling which. */
export const FLOW_UNKNOWN: u32 = 1;
/** Ports are there; `transportOf` and `protocolOf` are valid. */
export const FLOW_PORTS: u32 = 2;

/** Kind of a whole packet of `length` bytes (as `innerLength` found it). */
export function flowKind(packet: usize, length: u32): u32 {
  const kind = version(packet, length);
  if (kind === 0) return FLOW_NONE;
  const protocol = protocolOf(packet);
  if (kind === 4) {
    if (protocol !== TCP && protocol !== UDP) return FLOW_NONE;
    if (load<u8>(packet) !== 0x45 || load16(packet + IPV4_FRAGMENT) & FRAGMENT_MF_OFFSET) return FLOW_UNKNOWN;
  } else if (protocol !== TCP && protocol !== UDP) {
    return isExtension(protocol) ? FLOW_UNKNOWN : FLOW_NONE;
  }
  return length >= transportOf(packet) + UDP_HEADER ? FLOW_PORTS : FLOW_NONE;
}

function isExtension(protocol: u32): bool {
  return (
    protocol === HOP_BY_HOP ||
    protocol === DESTINATION_OPTIONS ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === AUTHENTICATION
  );
}

/** Transport header of a FLOW_PORTS packet: IPv4 without options, IPv6 without extensions. */
export function transportOf(packet: usize): u32 {
  return load<u8>(packet) >> 4 === 4 ? IPV4_HEADER : IPV6_HEADER;
}

export function protocolOf(packet: usize): u32 {
  return load<u8>(packet) >> 4 === 4 ? load<u8>(packet, IPV4_PROTOCOL) : load<u8>(packet, IPV6_NEXT);
}

/** Hash of a FLOW_PORTS packet's addresses and ports; both directions may share one. */
export function flowHash(packet: usize): u32 {
  let mixed: u64;
  if (load<u8>(packet) >> 4 === 4) {
    mixed = load<u64>(packet, IPV4_SOURCE) ^ (<u64>load<u32>(packet, IPV4_HEADER) * 0x9e3779b97f4a7c15);
  } else {
    mixed = load<u64>(packet, IPV6_SOURCE) ^ rotl<u64>(load<u64>(packet, IPV6_SOURCE + 8), 17);
    mixed ^= rotl<u64>(load<u64>(packet, IPV6_SOURCE + 16), 31) ^ rotl<u64>(load<u64>(packet, IPV6_SOURCE + 24), 47);
    mixed ^= <u64>load<u32>(packet, IPV6_HEADER) * 0x9e3779b97f4a7c15;
  }
  mixed *= 0xff51afd7ed558ccd;
  return <u32>(mixed >> 40);
}

/** Whether two FLOW_PORTS packets belong to one flow. */
export function sameFlow(a: usize, b: usize): bool {
  if (((load<u8>(a) ^ load<u8>(b)) & 0xf0) !== 0 || protocolOf(a) !== protocolOf(b)) return false;
  if (load<u8>(a) >> 4 === 4) {
    return (
      load<u64>(a, IPV4_SOURCE) === load<u64>(b, IPV4_SOURCE) && load<u32>(a, IPV4_HEADER) === load<u32>(b, IPV4_HEADER)
    );
  }
  const addresses = v128.or(
    v128.xor(v128.load(a, IPV6_SOURCE), v128.load(b, IPV6_SOURCE)),
    v128.xor(v128.load(a, IPV6_SOURCE + 16), v128.load(b, IPV6_SOURCE + 16)),
  );
  return !v128.any_true(addresses) && load<u32>(a, IPV6_HEADER) === load<u32>(b, IPV6_HEADER);
}

/**
 * All headers of a FLOW_PORTS packet that may become part of a superpacket; 0 when it must pass as it is:
 * wrong lengths, no payload, TCP flags other than ACK and PSH, no or a wrong checksum.
 */
export function mergeableHeaders(packet: usize, length: u32): u32 {
  const transport = transportOf(packet);
  if (transport === IPV4_HEADER) {
    if (load16(packet + IPV4_LENGTH) !== length || fold(ipv4HeaderSum(packet)) !== 0xffff) return 0;
  } else if (load16(packet + IPV6_LENGTH) + IPV6_HEADER !== length) {
    return 0;
  }
  const at = packet + transport;
  const protocol = protocolOf(packet);
  let headers = transport;
  if (protocol === TCP) {
    if (length < transport + TCP_HEADER) return 0;
    const reserved = <u32>load<u8>(at, TCP_OFFSET) & 15;
    const bytes = (<u32>load<u8>(at, TCP_OFFSET) >> 4) << 2;
    if (reserved || bytes < TCP_HEADER || (<u32>load<u8>(at, TCP_FLAGS) & ~FLAG_PSH) !== FLAG_ACK) return 0;
    headers += bytes;
  } else {
    if (load16(at + UDP_LENGTH) !== length - transport || load<u16>(at, UDP_CHECKSUM) === 0) return 0;
    headers += UDP_HEADER;
  }
  if (headers >= length) return 0;
  return fold(transportSum(packet, protocol, transport, length)) === 0xffff ? headers : 0;
}

/**
 * Whether a packet of at least `headers` bytes is of the flow of `first`, whose headers these are and which is mergeable, and agrees with it
 * in all that one header must say. Of lengths, identification, sequence, PSH and checksums it says nothing.
 */
export function sameHeaders(first: usize, packet: usize, headers: u32): bool {
  const transport = transportOf(first);
  const start = v128.xor(v128.load(first), v128.load(packet));
  let other: u64 = 0; // further bytes that differ: of addresses and ports, then of TCP
  if (transport === IPV4_HEADER) {
    // version, IHL, TOS; DF (there are no fragments here), TTL, protocol; source
    if (v128.any_true(v128.and(start, i8x16(-1, -1, 0, 0, 0, 0, -1, -1, -1, -1, 0, 0, -1, -1, -1, -1)))) return false;
    other = load<u64>(first, IPV4_DESTINATION) ^ load<u64>(packet, IPV4_DESTINATION);
  } else {
    // version, class, flow label; next header, hop limit; source and destination
    const middle = v128.xor(v128.load(first, 16), v128.load(packet, 16));
    const begun = v128.and(start, i8x16(-1, -1, -1, -1, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    if (v128.any_true(v128.or(begun, middle))) return false;
    other = load<u64>(first, 32) ^ load<u64>(packet, 32);
    other |= load<u32>(first, IPV6_HEADER) ^ load<u32>(packet, IPV6_HEADER);
  }
  if (protocolOf(first) === UDP) return other === 0;
  const a = first + transport;
  const b = packet + transport;
  // acknowledgement, header length, flags but PSH, window; then options
  other |= (load<u64>(a, TCP_ACK) ^ load<u64>(b, TCP_ACK)) & ~((<u64>FLAG_PSH) << 40);
  const end = first + headers;
  for (let i = a + TCP_HEADER, j = b + TCP_HEADER; i < end; i += 4, j += 4) other |= load<u32>(i) ^ load<u32>(j);
  return other === 0;
}
