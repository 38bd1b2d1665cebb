/**
 * Numeric endpoints: `192.0.2.1:51820`, `[2001:db8::1]:51820`, `[fe80::1%eth0]:51820`. Names are for whoever
 * writes the configuration to resolve; nothing here asks DNS. Zones are kept as interface indices.
 */

import { ascii, decimal, find, findLast, stringOf } from "./ascii.ts";
import type { Endpoint } from "./endpoint.ts";
import { formatAddress, parseAddress, parseIpv6 } from "./ip.ts";

/** Interface names and indices, as the system has them. */
export interface Zones {
  /** @returns undefined if there is no such interface */
  indexOf(name: string): number | undefined;
  /** @returns undefined if there is no such interface */
  nameOf(index: number): string | undefined;
}

/** For systems, or tests, that cannot tell: only `%2`, not `%eth0`. */
export const NUMERIC_ZONES: Zones = { indexOf: () => undefined, nameOf: () => undefined };

const [COLON, OPEN, CLOSE, PERCENT] = ascii(":[]%");
const PORT_MAX = 0xffff;
const SCOPE_MAX = 0xffffffff;
const ZONE_TEXT_MAX = 15; // IFNAMSIZ − 1, <net/if.h>

function parseZone(bytes: Uint8Array, start: number, end: number, zones: Zones): number | undefined {
  if (end <= start || end - start > ZONE_TEXT_MAX) return undefined;
  for (let at = start; at < end; at++) if (bytes[at]! <= 32 || bytes[at]! >= 127) return undefined;
  const name = zones.indexOf(stringOf(bytes, start, end));
  if (name !== undefined) return name;
  const index = decimal(bytes, start, end, SCOPE_MAX);
  return index < 0 ? undefined : index;
}

/** @returns undefined if [start, end) is not a numeric endpoint */
export function parseEndpoint(bytes: Uint8Array, start: number, end: number, zones: Zones): Endpoint | undefined {
  const colon = findLast(bytes, COLON!, start, end);
  if (colon < 0) return undefined;
  const port = decimal(bytes, colon + 1, end, PORT_MAX);
  if (port < 0) return undefined;
  if (bytes[start] !== OPEN) {
    const address = find(bytes, COLON!, start, colon) < 0 ? parseAddress(bytes, start, colon) : undefined;
    return address && { address, port, scope: 0 };
  }
  if (bytes[colon - 1] !== CLOSE) return undefined;
  const percent = find(bytes, PERCENT!, start, colon);
  const scope = percent < 0 ? 0 : parseZone(bytes, percent + 1, colon - 1, zones);
  const address = parseIpv6(bytes, start + 1, percent < 0 ? colon - 1 : percent);
  return address && scope !== undefined ? { address, port, scope } : undefined;
}

export function formatEndpoint({ address, port, scope }: Endpoint, zones: Zones): string {
  const host = formatAddress(address);
  if (address.length === 4) return `${host}:${port}`;
  const zone = scope === 0 ? "" : `%${zones.nameOf(scope) ?? scope}`;
  return `[${host}${zone}]:${port}`;
}
