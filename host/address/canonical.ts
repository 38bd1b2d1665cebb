/**
 * Addresses as the C library prints them (inet_ntop, getnameinfo with NI_NUMERICHOST), because `wg` does.
 * It differs from RFC 5952 in one point: all of ::a.b.c.d is printed as a dotted quad, not only ::ffff:a.b.c.d.
 */
import { parseAddress } from "./ip.ts";

const GROUPS = 8;

/** Start and length of the longest run of zero groups; the first of equals. Runs of one do not count. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < GROUPS; start++) {
    let length = 0;
    while (start + length < GROUPS && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function formatIpv6(groups: readonly number[]): string {
  const { start, length } = longestZeroRun(groups);
  const dotted = start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff));
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  const whole = dotted ? groups.slice(0, 6) : groups;
  const quad = dotted
    ? groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 255])
        .join(".")
    : "";
  if (start < 0) return hex(whole);
  const tail = [hex(whole.slice(start + length)), quad].filter((part) => part !== "").join(":");
  return `${hex(whole.slice(0, start))}::${tail}`;
}

/** @returns undefined if `text` is not a numeric address; a zone is not taken */
export function canonicalAddress(text: string): string | undefined {
  const bytes = Uint8Array.from(text, (char) => (char.charCodeAt(0) < 128 ? char.charCodeAt(0) : 0));
  const address = parseAddress(bytes, 0, bytes.length);
  if (address === undefined) return undefined;
  if (address.length === 4) return address.join(".");
  return formatIpv6(Array.from({ length: GROUPS }, (_, i) => (address[2 * i]! << 8) | address[2 * i + 1]!));
}

/** `192.0.2.1:51820`, `[2001:db8::1]:51820`, `[fe80::1%eth0]:51820`. @returns undefined if it is none of these */
export function canonicalEndpoint(text: string): string | undefined {
  const match = /^(?:\[([^\]%]+)(%[^\]\s]+)?\]|([\d.]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[4]) > 65535) return undefined;
  const [, ipv6, zone = "", ipv4, port] = match;
  const address = canonicalAddress(ipv6 ?? ipv4 ?? "");
  if (address === undefined) return undefined;
  return ipv4 === undefined && address.includes(":")
    ? `[${address}${zone}]:${Number(port)}`
    : `${address}:${Number(port)}`;
}
