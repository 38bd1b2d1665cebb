/**
 * Numeric IP addresses and prefixes, text to bytes and back. IPv4 is read here: it is most of what large
 * configurations hold, and ipaddr.js also takes its octal, hexadecimal and short forms, which WireGuard does not.
 * IPv6 is ipaddr.js's (about 1 µs each), written by RFC 5952, except for a dotted quad at the end, which ipaddr.js
 * puts behind ::ffff: wherever it stood.
 */
import ipaddr from "ipaddr.js";
import type { AllowedIp } from "./allowed-ip.ts";
import { decimal, find, findLast, stringOf } from "./ascii.ts";

const DOT = 46;
const COLON = 58;
const SLASH = 47;
const IPV6_TEXT_MAX = 45; // INET6_ADDRSTRLEN − 1: six groups and a dotted quad
/** First 12 bytes of ::ffff:0:0/96. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** @returns 4 bytes of a dotted quad without superfluous zeros, or undefined */
function parseIpv4(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const address = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const stop = i < 3 ? find(bytes, DOT, start, end) : end;
    const value = decimal(bytes, start, stop, 255);
    if (value < 0 || (stop - start > 1 && bytes[start] === 48)) return undefined;
    address[i] = value;
    start = stop + 1;
  }
  return address;
}

function isIpv6Char(char: number): boolean {
  const lower = char | 32;
  return (char >= 48 && char <= COLON) || (lower >= 97 && lower <= 102) || char === DOT;
}

/** @returns the text with a dotted quad at its end as two groups, or undefined if the quad is not valid */
function ipv6Groups(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (find(bytes, DOT, start, end) < 0) return stringOf(bytes, start, end);
  const colon = findLast(bytes, COLON, start, end);
  const quad = parseIpv4(bytes, colon + 1, end);
  if (quad === undefined) return undefined;
  const [a, b, c, d] = quad as unknown as [number, number, number, number];
  return `${stringOf(bytes, start, colon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** @returns 16 bytes, or undefined; a zone is not part of it */
export function parseIpv6(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  if (end - start > IPV6_TEXT_MAX) return undefined;
  for (let at = start; at < end; at++) if (!isIpv6Char(bytes[at]!)) return undefined;
  const groups = ipv6Groups(bytes, start, end);
  if (groups === undefined) return undefined;
  try {
    return Uint8Array.from(ipaddr.IPv6.parse(groups).toByteArray());
  } catch {
    return undefined;
  }
}

/** @returns 4 or 16 bytes, or undefined */
export function parseAddress(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const parse = find(bytes, COLON, start, end) < 0 ? parseIpv4 : parseIpv6;
  return parse(bytes, start, end);
}

/** `address/bits`, the bits mandatory. @returns undefined if it is not that */
export function parsePrefix(bytes: Uint8Array, start: number, end: number): AllowedIp | undefined {
  const slash = findLast(bytes, SLASH, start, end);
  if (slash < 0) return undefined;
  const address = parseAddress(bytes, start, slash);
  if (address === undefined) return undefined;
  const prefix = decimal(bytes, slash + 1, end, address.length * 8);
  const padded = end - slash > 2 && bytes[slash + 1] === 48; // "/08"
  return prefix < 0 || padded ? undefined : { address, prefix };
}

function dotted(quad: Uint8Array): string {
  return `${quad[0]}.${quad[1]}.${quad[2]}.${quad[3]}`;
}

/** @param address 4 or 16 bytes */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return dotted(address);
  if (MAPPED.every((byte, i) => address[i] === byte)) return `::ffff:${dotted(address.subarray(MAPPED.length))}`;
  return new ipaddr.IPv6(Array.from(address)).toRFC5952String();
}
