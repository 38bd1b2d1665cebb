/**
 * ICMP errors for packets that the tunnel cannot carry (RFC 792, RFC 1122 §3.2.2, RFC 1191; RFC 4443).
 * The error pretends to come from the offending packet's own destination: it is injected into the TUN device, where
 * the system would take one of its own addresses for a forgery.
 */
import { ICMP_TOO_BIG, VNET_BYTES } from "../abi";
import { complement, pseudoHeader, sum } from "./checksum";
import {
  FRAGMENT,
  FRAGMENT_DF,
  FRAGMENT_OFFSET,
  ICMPV4,
  ICMPV6,
  IPV4_CHECKSUM,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_HEADER,
  IPV4_ID,
  IPV4_LENGTH,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TOS,
  IPV4_TTL,
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_HOPS,
  IPV6_LENGTH,
  IPV6_NEXT,
  IPV6_SOURCE,
  load16,
  ROUTING,
  skipExtensions,
  store16,
  version,
} from "./ip";
import { splitBegin, splitNext } from "./split";

/** Largest error: what an `icmpError` destination must have room for. */
export const ICMP_ERROR_BYTES_MAX: u32 = 1280;
const IPV4_ERROR_MAX: u32 = 576;
const ICMP_HEADER: u32 = 8;
const TTL: u8 = 64;
const INTERNETWORK_CONTROL: u8 = 0xc0; // RFC 1812 §4.3.2.5

/**
 * Write the error for a read from a TUN device: for its first packet, as it would have gone out.
 * @param vnet   vnet header and packet, `length` bytes in all; the first packet is made in place, the rest is lost
 * @returns as icmpError
 */
export function icmpErrorForRead(dst: usize, vnet: usize, length: u32, kind: u32, mtu: u32): u32 {
  if (splitBegin(vnet, length) <= 0) return 0;
  const packet = vnet + VNET_BYTES;
  // The first segment's headers and payload are where they were already: each byte is read before it is written.
  return icmpError(dst, packet, splitNext(packet), kind, mtu);
}

/**
 * Write the error for `packet` to `dst`, which does not overlap it.
 * @param kind  ICMP_… of abi.ts
 * @param mtu   for ICMP_TOO_BIG: the largest packet that would have passed; else 0
 * @returns length of the error, 0 if this packet must not cause one
 */
export function icmpError(dst: usize, packet: usize, length: u32, kind: u32, mtu: u32): u32 {
  const ip = version(packet, length);
  if (ip === 4) return mayAnswer4(packet, length) ? writeError4(dst, packet, length, kind, mtu) : 0;
  if (ip === 6) return mayAnswer6(packet, length, kind) ? writeError6(dst, packet, length, kind, mtu) : 0;
  return 0;
}

function mayAnswer4(packet: usize, length: u32): bool {
  const headers = (<u32>load<u8>(packet) & 15) << 2;
  if (headers < IPV4_HEADER || headers > length) return false;
  if (load16(packet + IPV4_FRAGMENT) & FRAGMENT_OFFSET) return false;
  // One host as source: not 0/8, loopback, multicast, reserved or broadcast. Nor a group as destination.
  const from = load<u8>(packet, IPV4_SOURCE);
  if (from === 0 || from === 127 || from >= 224 || load<u8>(packet, IPV4_DESTINATION) >= 224) return false;
  if (load<u8>(packet, IPV4_PROTOCOL) !== ICMPV4) return true;
  return headers < length && isQuery4(load<u8>(packet + headers));
}

/** ICMP types that are known to be no error: echo, router discovery, timestamp, information, address mask. */
function isQuery4(type: u32): bool {
  return type === 0 || (type >= 8 && type <= 10) || (type >= 13 && type <= 18);
}

function mayAnswer6(packet: usize, length: u32, kind: u32): bool {
  const from = packet + IPV6_SOURCE;
  if (load<u8>(from) === 0xff || (load<u64>(from) | load<u64>(from, 8)) === 0) return false;
  // RFC 4443 §2.4 (e.3): packets to groups may cause "too big", for path MTU discovery.
  if (load<u8>(packet, IPV6_DESTINATION) === 0xff && kind !== ICMP_TOO_BIG) return false;

  let walked = skipExtensions(packet, length, IPV6_HEADER, load<u8>(packet, IPV6_NEXT));
  let next = walked & 0xff;
  while (next === FRAGMENT || next === ROUTING) {
    let offset = walked >> 8;
    if (offset + 8 > length) return false;
    if (next === FRAGMENT && load16(packet + offset + 2) >> 3) return false;
    const bytes: u32 = next === FRAGMENT ? 8 : (<u32>load<u8>(packet + offset, 1) + 1) << 3;
    next = load<u8>(packet + offset);
    offset += bytes;
    if (offset > length) return false;
    walked = skipExtensions(packet, length, offset, next);
    next = walked & 0xff;
  }
  if (next !== ICMPV6) return true;
  // Types from 128 are no errors; a redirect must not cause one either.
  const at = walked >> 8;
  return at < length && load<u8>(packet + at) >= 128 && load<u8>(packet + at) !== 137;
}

function writeError4(dst: usize, packet: usize, length: u32, kind: u32, mtu: u32): u32 {
  const total = min(IPV4_HEADER + ICMP_HEADER + length, IPV4_ERROR_MAX);
  const icmp = dst + IPV4_HEADER;
  store<u8>(dst, 0x45);
  store<u8>(dst, INTERNETWORK_CONTROL, IPV4_TOS);
  store16(dst + IPV4_LENGTH, total);
  store<u16>(dst, 0, IPV4_ID);
  store16(dst + IPV4_FRAGMENT, FRAGMENT_DF); // and so the identification means nothing (RFC 6864)
  store<u8>(dst, TTL, IPV4_TTL);
  store<u8>(dst, <u8>ICMPV4, IPV4_PROTOCOL);
  store<u16>(dst, 0, IPV4_CHECKSUM);
  store<u32>(dst, load<u32>(packet, IPV4_DESTINATION), IPV4_SOURCE);
  store<u32>(dst, load<u32>(packet, IPV4_SOURCE), IPV4_DESTINATION);
  store<u16>(dst, <u16>complement(sum(dst, IPV4_HEADER)), IPV4_CHECKSUM);

  const tooBig = kind === ICMP_TOO_BIG;
  store<u8>(icmp, 3);
  store<u8>(icmp, tooBig ? 4 : 1, 1);
  store<u32>(icmp, 0, 2);
  store16(icmp + 6, tooBig ? min(mtu, 0xffff) : 0);
  const body = total - IPV4_HEADER;
  memory.copy(icmp + ICMP_HEADER, packet, body - ICMP_HEADER);
  store<u16>(icmp, <u16>complement(sum(icmp, body)), 2);
  return total;
}

function writeError6(dst: usize, packet: usize, length: u32, kind: u32, mtu: u32): u32 {
  const total = min(IPV6_HEADER + ICMP_HEADER + length, ICMP_ERROR_BYTES_MAX);
  const icmp = dst + IPV6_HEADER;
  const body = total - IPV6_HEADER;
  store<u32>(dst, 0x60);
  store16(dst + IPV6_LENGTH, body);
  store<u8>(dst, <u8>ICMPV6, IPV6_NEXT);
  store<u8>(dst, TTL, IPV6_HOPS);
  v128.store(dst + IPV6_SOURCE, v128.load(packet + IPV6_DESTINATION));
  v128.store(dst + IPV6_DESTINATION, v128.load(packet + IPV6_SOURCE));

  const tooBig = kind === ICMP_TOO_BIG;
  store<u8>(icmp, tooBig ? 2 : 1);
  store<u8>(icmp, tooBig ? 0 : 3, 1);
  store<u16>(icmp, 0, 2);
  store<u32>(icmp, tooBig ? bswap<u32>(mtu) : 0, 4);
  memory.copy(icmp + ICMP_HEADER, packet, body - ICMP_HEADER);
  store<u16>(icmp, <u16>complement(pseudoHeader(dst, ICMPV6, body) + sum(icmp, body)), 2);
  return total;
}
