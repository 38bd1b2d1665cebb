/**
 * Tunnels in tunnels: what is read from TUN may be a WireGuard datagram, of this device or of another one. One tunnel in
 * another is onion routing and goes on; a route that leads back into itself would go on for ever, growing on each lap.
 * Two bounds: our own datagram to a peer is never sealed for that peer again; and as RFC 2473 §4.1.1 has it for tunnels in
 * general, each nesting costs hops, so a loop over several tunnels and machines ends when none are left.
 */
import { Path } from "../records/path";
import {
  FRAGMENT,
  FRAGMENT_OFFSET,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_PROTOCOL,
  IPV4_TTL,
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_HOPS,
  IPV6_NEXT,
  load16,
  UDP,
} from "./ip";

/** `hopLimitFor`: whatever the system gives its packets. */
export const SYSTEM_HOPS: u32 = 0;
/** `hopLimitFor`: none are left. */
export const NO_HOPS: u32 = u32.MAX_VALUE;

/** What systems give a packet; more is not handed on. */
const HOPS: u32 = 64;
/** Eight levels at the most, and enough left for any path on the fourth. */
const NESTING_HOPS: u32 = 8;
const UDP_HEADER: u32 = 8;
const FRAGMENT_HEADER: u32 = 8;
/** The shortest WireGuard message: a keepalive. */
const MESSAGE: u32 = 32;

/** `udpHeader`: no UDP. */
const NONE: u32 = 0;
/** `udpHeader`: UDP, but not the fragment that has the header. */
const LATER_FRAGMENT: u32 = u32.MAX_VALUE;

/**
 * @param kind   IP version, as `version` found it
 * @param length bytes there are
 * @returns offset of a whole UDP header, or NONE, or LATER_FRAGMENT
 */
function udpHeader(packet: usize, kind: u32, length: u32): u32 {
  let at: u32;
  if (kind === 4) {
    if (load<u8>(packet, IPV4_PROTOCOL) !== UDP) return NONE;
    if (load16(packet + IPV4_FRAGMENT) & FRAGMENT_OFFSET) return LATER_FRAGMENT;
    at = (load<u8>(packet) & 15) << 2;
  } else {
    at = IPV6_HEADER;
    let next = <u32>load<u8>(packet, IPV6_NEXT);
    if (next === FRAGMENT && length >= IPV6_HEADER + FRAGMENT_HEADER) {
      next = load<u8>(packet, IPV6_HEADER);
      at += FRAGMENT_HEADER;
      if (next === UDP && load16(packet + IPV6_HEADER + 2) >> 3) return LATER_FRAGMENT;
    }
    if (next !== UDP) return NONE;
  }
  return at + UDP_HEADER <= length ? at : NONE;
}

/** Whether a packet is the datagram that we sent from `port` to the remote end of `path`. */
export function isOwnDatagram(packet: usize, kind: u32, length: u32, path: Path, port: u32): bool {
  if (path.family !== kind) return false;
  if (kind === 4) {
    if (load<u32>(packet, IPV4_DESTINATION) !== load<u32>(path.address)) return false;
  } else {
    if (load<u64>(packet, IPV6_DESTINATION) !== path.address0) return false;
    if (load<u64>(packet + IPV6_DESTINATION, 8) !== path.address1) return false;
  }
  const at = udpHeader(packet, kind, length);
  if (at === NONE || at === LATER_FRAGMENT) return false;
  return load16(packet + at) === port && load16(packet + at + 2) === path.port;
}

/**
 * Hop limit for the datagram that will carry a packet: less than the packet has itself, if that looks like a WireGuard
 * message, or is a later fragment of a datagram, which may be one.
 * @returns SYSTEM_HOPS, NO_HOPS, or 1…HOPS
 */
export function hopLimitFor(packet: usize, kind: u32, length: u32): u32 {
  const at = udpHeader(packet, kind, length);
  if (at === NONE || (at !== LATER_FRAGMENT && !isMessage(packet + at + UDP_HEADER, length - at - UDP_HEADER))) {
    return SYSTEM_HOPS;
  }
  const hops: u32 = kind === 4 ? load<u8>(packet, IPV4_TTL) : load<u8>(packet, IPV6_HOPS);
  return hops <= NESTING_HOPS ? NO_HOPS : min(hops - NESTING_HOPS, HOPS);
}

/** Types 1 to 4, with three bytes of zero (WireGuard paper §5.4). */
function isMessage(payload: usize, length: u32): bool {
  return length >= MESSAGE && load<u32>(payload) - 1 < 4;
}
