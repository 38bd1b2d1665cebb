/** Peers as a program describes them, checked as a whole before anything is changed. */

import type { AllowedIp } from "../address/allowed-ip.ts";
import type { Endpoint } from "../address/endpoint.ts";
import { parseAddress, parsePrefix } from "../address/ip.ts";
import { AllowedIpError, OptionError } from "../event/device-errors.ts";
import { checkInteger, checkList, readOptions } from "../event/options.ts";
import { asciiBytes, type PublicKey, publicKeyBytes, secretKey } from "./device-keys.ts";
import { type EndpointReader, type HostAndPort, readEndpoint } from "./endpoint-option.ts";

/** An IPv6 address with a dotted quad at its end, and a prefix length. */
const PREFIX_CHARS_MAX = 45 + 4;
const CHANGES = ["presharedKey", "endpoint", "allowedIps", "persistentKeepalive"] as const;
const PEER = ["publicKey", ...CHANGES] as const;

export interface AddressAndPort {
  /** Numeric IPv4 or IPv6 address, with a zone if need be: `fe80::1%eth0`. With the option `lookup` it may be a name. */
  readonly address: string;
  readonly port: number;
}

export interface PeerChange {
  /** 32 bytes, mixed into the handshake on both ends; null removes it. Counts from the next handshake on. The caller wipes its own copy. */
  readonly presharedKey?: Uint8Array | null | undefined;
  /** Where the peer is at first, as `192.0.2.1:51820` or `[2001:db8::1]:51820`; a peer that roams is followed. With the
   * option `lookup` of the device also as `vpn.example.org:51820`. */
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
  readonly endpoint: Endpoint | HostAndPort | undefined;
  readonly allowedIps: readonly AllowedIp[] | undefined;
  readonly persistentKeepalive: number | undefined;
}

export interface ParsedPeer extends ParsedChange {
  readonly publicKey: Uint8Array;
}

/**
 * @param what  for errors, as in "peers[3]"
 * @throws      KeyError, EndpointError, AllowedIpError, OptionError
 */
export function parsePeer(what: string, config: unknown, reader: EndpointReader): ParsedPeer {
  const given = readOptions(what, config, PEER);
  const publicKey = publicKeyBytes(given.publicKey);
  if (given.allowedIps === undefined) throw new OptionError("allowedIps", "an array of addresses and prefixes");
  return { publicKey, ...parse(given, reader) };
}

/**
 * @param publicKey  of the peer that is meant: a change may repeat it, so that a whole PeerConfig is a change too
 * @throws           KeyError, EndpointError, AllowedIpError, OptionError
 */
export function parseChange(publicKey: Uint8Array, change: unknown, reader: EndpointReader): ParsedChange {
  const given = readOptions("change", change, PEER);
  if (given.publicKey !== undefined && !equal(publicKeyBytes(given.publicKey), publicKey)) {
    throw new OptionError("publicKey", "that of the peer to be changed: a peer cannot take another");
  }
  return parse(given, reader);
}

type Given = Readonly<Partial<Record<(typeof CHANGES)[number], unknown>>>;

function parse(
  { presharedKey, endpoint, allowedIps, persistentKeepalive }: Given,
  reader: EndpointReader,
): ParsedChange {
  if (persistentKeepalive !== undefined) checkInteger("persistentKeepalive", persistentKeepalive, 0, 0xffff);
  const list = allowedIps === undefined ? undefined : checkList("allowedIps", allowedIps, "addresses and prefixes");
  return {
    endpoint: endpoint === undefined ? undefined : readEndpoint(endpoint, reader),
    allowedIps: list?.map(allowedIpOf),
    persistentKeepalive,
    // Last: getters of the others run before, and may have detached it. What is neither a key nor null is no way of saying "none": an
    // unset variable would take the key away.
    presharedKey:
      presharedKey === undefined || presharedKey === null ? presharedKey : secretKey("presharedKey", presharedKey),
  };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function allowedIpOf(given: unknown, index: number): AllowedIp {
  if (typeof given !== "string" || given.length > PREFIX_CHARS_MAX) throw new AllowedIpError(index);
  const text = asciiBytes(given);
  const prefix = parsePrefix(text, 0, text.length);
  if (prefix !== undefined) return prefix;
  const address = parseAddress(text, 0, text.length);
  if (address === undefined) throw new AllowedIpError(index);
  return { address, prefix: 8 * address.length };
}
