/**
 * Numeric IP addresses and prefixes, text to bytes and back. IPv4 is read here: it is most of what large
 * configurations hold, and ipaddr.js also takes its octal, hexadecimal and short forms, which WireGuard does not.
 * IPv6 is ipaddr.js's (about 1 µs each), written by RFC 5952.
 */
import ipaddr from "ipaddr.js";
import type { AllowedIp } from "../device/routes.ts";
import { decimal, find, findLast, stringOf } from "./text.ts";

const DOT = 46;
const COLON = 58;
const SLASH = 47;
const IPV6_TEXT_MAX = 45; // INET6_ADDRSTRLEN − 1: six groups and a dotted quad

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

/** @returns 16 bytes, or undefined; a zone is not part of it */
export function parseIpv6(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  if (end - start > IPV6_TEXT_MAX) return undefined;
  for (let at = start; at < end; at++) if (!isIpv6Char(bytes[at]!)) return undefined;
  try {
    return Uint8Array.from(ipaddr.IPv6.parse(stringOf(bytes, start, end)).toByteArray());
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

/** @param address 4 or 16 bytes */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return `${address[0]}.${address[1]}.${address[2]}.${address[3]}`;
  return new ipaddr.IPv6(Array.from(address)).toRFC5952String();
}
