/**
 * Values of configuration keys, as `wg setconf` and wg-quick take them. Each reader gives undefined for a value that
 * is not one; the caller names line and key.
 */
import { canonicalAddress } from "../address/canonical.ts";
import { readInterfaceAddress } from "./interface-address.ts";

const MARK_MAX = 0xffffffff;
const PORT_MAX = 0xffff;

function decimal(text: string, maximum: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= maximum ? value : undefined;
}

export function readPort(text: string): number | undefined {
  return decimal(text, PORT_MAX);
}

/** `off`, decimal, or `0x` and hex digits. */
export function readMark(text: string): number | undefined {
  if (/^off$/i.test(text)) return 0;
  if (!/^0x[\da-f]{1,8}$/i.test(text)) return decimal(text, MARK_MAX);
  return text[1] === "x" ? Number(text) : undefined;
}

/** `off` or seconds. */
export function readKeepalive(text: string): number | undefined {
  return /^off$/i.test(text) ? 0 : decimal(text, PORT_MAX);
}

/** `address[/bits]`; without bits the address alone. */
function readPrefix(text: string): string | undefined {
  const [before, bits, extra] = text.split("/");
  const address = canonicalAddress(before ?? "");
  if (address === undefined || extra !== undefined) return undefined;
  const width = address.includes(":") ? 128 : 32;
  const length = bits === undefined ? width : decimal(bits, width);
  return length === undefined ? undefined : `${address}/${length}`;
}

/** A list with commas; undefined if any of it is not a prefix. */
export function readAllowedIps(text: string): string[] | undefined {
  const prefixes = text.split(",").map(readPrefix);
  return prefixes.every((prefix) => prefix !== undefined) ? prefixes : undefined;
}

/** `host:port` or `[address]:port`; the host may be a name. */
export function readEndpoint(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^[\]]+)):(\d+)$/.exec(text);
  const port = match ? readPort(match[3]!) : undefined;
  return match && port !== undefined ? { host: match[1] ?? match[2]!, port } : undefined;
}

/** Addresses of the interface, with or without a mask, between commas or spaces; in all forms that iproute2 takes. */
export function readAddresses(text: string): string[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const addresses = words.map((word) => {
    const plain = /(^[^/]*$|\/(0|[1-9]\d*)$)/.test(word) && readPrefix(word) !== undefined;
    return plain ? word : readInterfaceAddress(word);
  });
  return addresses.every((address) => address !== undefined) ? addresses : undefined;
}

/** Servers are addresses; every other word is a search domain. */
export function readDns(text: string): { servers: string[]; search: string[] } {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const isServer = (word: string): boolean => /^[\d.]+$/.test(word) || word.includes(":");
  return { servers: words.filter(isServer), search: words.filter((word) => !isServer(word)) };
}

export function readMtu(text: string): string | undefined {
  return /^\d{1,5}$/.test(text) ? text : undefined;
}

export function readTable(text: string): string | undefined {
  return /^[\w.-]+$/.test(text) ? text : undefined;
}

export function readBoolean(text: string): boolean | undefined {
  return /^(true|false)$/i.test(text) ? text.toLowerCase() === "true" : undefined;
}
