/**
 * Addresses as SOCKS5 writes them (RFC 1928 §5): a type, then an IPv4 address, a name with its length in front, or an IPv6
 * address; then the port, big endian.
 */
import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { Target } from "../way.ts";

export const IPV4 = 1;
export const NAME = 3;
export const IPV6 = 4;
const NAME_BYTES_MAX = 255;

/** Letters, digits, dots, hyphens and underscores: what a resolver may be asked for. */
const HOST_NAME = /^[\w-]+(\.[\w-]+)*\.?$/;

/** @returns the host that `bytes` name, or undefined if it can be none */
export function hostFrom(type: number, bytes: Uint8Array): string | undefined {
  if (type === IPV4 || type === IPV6) return ipaddr.fromByteArray([...bytes]).toString();
  const text = new TextDecoder("latin1").decode(bytes);
  // Some clients send an address as a name.
  if (isIPv4(text) || isIPv6(text)) return text;
  return HOST_NAME.test(text) ? text : undefined;
}

export interface ParsedAddress {
  readonly target: Target;
  /** Where the bytes behind the address start. */
  readonly end: number;
}

/** Read type, address and port at `start` of a datagram. @returns undefined if it is cut off or names nobody */
export function parseAddress(bytes: Uint8Array, start: number): ParsedAddress | undefined {
  const type = bytes[start];
  const lengths: Record<number, number | undefined> = { [IPV4]: 4, [IPV6]: 16, [NAME]: bytes[start + 1] };
  const length = type === undefined ? undefined : lengths[type];
  if (type === undefined || length === undefined || length === 0) return undefined;
  const from = start + (type === NAME ? 2 : 1);
  const end = from + length + 2;
  if (bytes.length < end) return undefined;
  const host = hostFrom(type, bytes.subarray(from, from + length));
  const port = (bytes[end - 2]! << 8) | bytes[end - 1]!;
  return host === undefined || port === 0 ? undefined : { target: { host, port }, end };
}

/** Type, address and port. */
export function formatAddress({ host, port }: Target): Uint8Array {
  const end = [port >> 8, port & 0xff];
  if (isIPv4(host) || isIPv6(host)) {
    // A socket for both families tells IPv4 addresses as ::ffff:a.b.c.d.
    const bytes = ipaddr.process(host.replace(/%.*$/, "")).toByteArray();
    return Uint8Array.of(bytes.length === 4 ? IPV4 : IPV6, ...bytes, ...end);
  }
  const name = new TextEncoder().encode(host).subarray(0, NAME_BYTES_MAX);
  return Uint8Array.of(NAME, name.length, ...name, ...end);
}
