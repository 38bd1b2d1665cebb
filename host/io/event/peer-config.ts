/** Peers as a program describes them, checked as a whole before anything is changed. */
import type { Endpoint } from "../../core/core.ts";
import type { AllowedIp } from "../../device/routes.ts";
import { parseEndpoint } from "../../uapi/endpoint.ts";
import { parseAddress, parsePrefix } from "../../uapi/ip.ts";
import { AllowedIpError, EndpointError, OptionError } from "./errors.ts";
import { asciiBytes, type PublicKey, publicKeyBytes, secretKey } from "./keys.ts";
import { systemZones } from "./zones.ts";

export interface AddressAndPort {
  /** Numeric IPv4 or IPv6 address, with a zone if need be: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
}

export interface PeerChange {
  /** 32 bytes, mixed into the handshake on both ends; null removes it. Counts from the next handshake on. The caller wipes its own copy. */
  readonly presharedKey?: Uint8Array | null | undefined;
  /** Where the peer is at first, as `192.0.2.1:51820` or `[2001:db8::1]:51820`; a peer that roams is followed. */
  readonly endpoint?: string | AddressAndPort | undefined;
  /** What the peer may send from and what is sent to it: `10.0.0.2`, `fd00::/8`. Replaces the present list. A prefix belongs to one
   * peer, the last that asked for it. */
  readonly allowedIps?: readonly string[] | undefined;
  /** Seconds between keepalives, 0 to 65535; 0 turns them off. */
  readonly persistentKeepalive?: number | undefined;
}

export interface PeerConfig extends PeerChange {
  readonly publicKey: PublicKey;
  readonly allowedIps: readonly string[];
}

export interface ParsedChange {
  readonly presharedKey: Uint8Array | null | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly allowedIps: readonly AllowedIp[] | undefined;
  readonly persistentKeepalive: number | undefined;
}

export interface ParsedPeer extends ParsedChange {
  readonly publicKey: Uint8Array;
}

/** @throws KeyError, EndpointError, AllowedIpError, OptionError */
export function parsePeer(config: PeerConfig): ParsedPeer {
  return { publicKey: publicKeyBytes(config.publicKey), ...parseChange(config) };
}

/** @throws KeyError, EndpointError, AllowedIpError, OptionError */
export function parseChange({ presharedKey, endpoint, allowedIps, persistentKeepalive }: PeerChange): ParsedChange {
  if (persistentKeepalive !== undefined) checkInteger("persistentKeepalive", persistentKeepalive, 0, 0xffff);
  return {
    presharedKey: presharedKey ? secretKey("presharedKey", presharedKey) : presharedKey,
    endpoint: endpoint === undefined ? undefined : endpointOf(endpoint),
    allowedIps: allowedIps?.map(allowedIpOf),
    persistentKeepalive,
  };
}

/** @throws OptionError */
export function checkInteger(name: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new OptionError(name, `a whole number from ${minimum} to ${maximum}`);
  }
}

/** @throws EndpointError */
export function endpointOf(given: string | AddressAndPort): Endpoint {
  const text = asciiBytes(typeof given === "string" ? given : joined(given));
  const endpoint = parseEndpoint(text, 0, text.length, systemZones);
  if (endpoint === undefined || endpoint.port === 0) throw new EndpointError();
  return endpoint;
}

function joined({ address, port }: AddressAndPort): string {
  return String(address).includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function allowedIpOf(given: string, index: number): AllowedIp {
  const text = asciiBytes(String(given));
  const prefix = parsePrefix(text, 0, text.length);
  if (prefix !== undefined) return prefix;
  const address = parseAddress(text, 0, text.length);
  if (address === undefined) throw new AllowedIpError(index);
  return { address, prefix: 8 * address.length };
}
