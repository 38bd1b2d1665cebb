/**
 * IPv4 and IPv6 headers (RFC 791, RFC 8200): what the tunnel reads of them, without trusting any.
 * Offsets are relative to the first byte of the packet. Nothing here looks beyond the length it is given.
 */
export const IPV4_HEADER: u32 = 20; // without options
export const IPV6_HEADER: u32 = 40;
export const IPV4_TOS: usize = 1;
export const IPV4_LENGTH: usize = 2;
export const IPV4_ID: usize = 4;
export const IPV4_FRAGMENT: usize = 6;
export const IPV4_TTL: usize = 8;
export const IPV4_PROTOCOL: usize = 9;
export const IPV4_CHECKSUM: usize = 10;
export const IPV4_SOURCE: usize = 12;
export const IPV4_DESTINATION: usize = 16;
export const IPV6_LENGTH: usize = 4;
export const IPV6_NEXT: usize = 6;
export const IPV6_HOPS: usize = 7;
export const IPV6_SOURCE: usize = 8;
export const IPV6_DESTINATION: usize = 24;

export const FRAGMENT_DF: u32 = 0x4000;
export const FRAGMENT_MF_OFFSET: u32 = 0x3fff; // more fragments, or not the first
export const FRAGMENT_OFFSET: u32 = 0x1fff;

export const HOP_BY_HOP: u32 = 0;
export const ICMPV4: u32 = 1;
export const TCP: u32 = 6;
export const UDP: u32 = 17;
export const ROUTING: u32 = 43;
export const FRAGMENT: u32 = 44;
export const AUTHENTICATION: u32 = 51;
export const ICMPV6: u32 = 58;
export const NO_NEXT_HEADER: u32 = 59;
export const DESTINATION_OPTIONS: u32 = 60;

/** A 16-bit field in network byte order. */
export function load16(at: usize): u32 {
  return bswap<u16>(load<u16>(at));
}

export function store16(at: usize, value: u32): void {
  store<u16>(at, bswap<u16>(<u16>value));
}

/** 4 or 6 when the packet has at least that version's fixed header, else 0. */
export function version(packet: usize, length: u32): u32 {
  if (length < IPV4_HEADER) return 0;
  const first = load<u8>(packet) >> 4;
  if (first === 4) return 4;
  return first === 6 && length >= IPV6_HEADER ? 6 : 0;
}

/**
 * Length of the IP packet at the start of a decrypted message, without the padding behind it.
 * 0 for anything that is no IP packet, or claims to be longer than the message.
 */
export function innerLength(packet: usize, length: u32): u32 {
  const kind = version(packet, length);
  if (kind === 4) {
    const total = load16(packet + IPV4_LENGTH);
    return total >= IPV4_HEADER && total <= length ? total : 0;
  }
  if (kind === 6) {
    const total = IPV6_HEADER + load16(packet + IPV6_LENGTH);
    return total <= length ? total : 0;
  }
  return 0;
}

/** Address of the source address; `kind` is the `version` of the packet. */
export function source(packet: usize, kind: u32): usize {
  return packet + (kind === 4 ? IPV4_SOURCE : IPV6_SOURCE);
}

/** Address of the destination address; `kind` is the `version` of the packet. */
export function destination(packet: usize, kind: u32): usize {
  return packet + (kind === 4 ? IPV4_DESTINATION : IPV6_DESTINATION);
}

/** Bytes of an address of IP version `kind`. */
export function addressBytes(kind: u32): u32 {
  return kind === 4 ? 4 : 16;
}

/**
 * Walk IPv6 extension headers from the header `next` at `offset`.
 * Stops at the first that is no hop-by-hop options, destination options or authentication header; so also at
 * routing and fragment headers, whose meaning is the caller's business.
 * @returns offset << 8 | header found; NO_NEXT_HEADER when the packet ends within a header
 */
export function skipExtensions(packet: usize, length: u32, offset: u32, next: u32): u32 {
  while (next === HOP_BY_HOP || next === DESTINATION_OPTIONS || next === AUTHENTICATION) {
    if (offset + 8 > length) return (offset << 8) | NO_NEXT_HEADER;
    const size = <u32>load<u8>(packet + offset, 1);
    const bytes = next === AUTHENTICATION ? (size + 2) << 2 : (size + 1) << 3;
    next = load<u8>(packet + offset);
    offset += bytes;
    if (offset > length) return (length << 8) | NO_NEXT_HEADER;
  }
  return (offset << 8) | next;
}
