/** Where a peer is, as a program writes it: a numeric address, or a name for whoever looks names up; each with a port. */
import type { Endpoint } from "../address/endpoint.ts";
import { parseEndpoint, type Zones } from "../address/endpoint-text.ts";
import { EndpointError } from "../event/device-errors.ts";
import { readOptions } from "../event/options.ts";
import { asciiBytes } from "./device-keys.ts";

/** An IPv6 address with a zone in brackets is shorter than the longest name (RFC 1035 §2.3.4), and both have a port. */
const TEXT_CHARS_MAX = 253 + 6;
/** Letters, digits, - and _ between dots; the last label is no number, or it would be an address with a mistake. */
const NAME =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?![0-9]+\.?$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;

/** An endpoint with a name. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export interface EndpointReader {
  readonly zones: Zones;
  /** Whether names can be looked up. */
  readonly names: "taken" | "refused";
}

/** @throws EndpointError */
export function readEndpoint(given: unknown, { zones, names }: EndpointReader): Endpoint | HostAndPort {
  const whole = typeof given === "string" ? given : joined(given);
  if (whole.length > TEXT_CHARS_MAX) throw new EndpointError();
  const text = asciiBytes(whole);
  const endpoint = parseEndpoint(text, 0, text.length, zones);
  if (endpoint !== undefined && endpoint.port !== 0) return endpoint;
  const name = names === "taken" ? nameAndPort(whole) : undefined;
  if (name === undefined) throw new EndpointError();
  return name;
}

function nameAndPort(text: string): HostAndPort | undefined {
  const colon = text.lastIndexOf(":");
  const [host, digits] = [text.slice(0, colon), text.slice(colon + 1)];
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return NAME.test(host) && port > 0 && port <= 0xffff ? { host, port } : undefined;
}

function joined(given: unknown): string {
  let address: unknown;
  let port: unknown;
  try {
    ({ address, port } = readOptions("endpoint", given, ["address", "port"]));
  } catch {
    throw new EndpointError();
  }
  if (typeof address !== "string" || !Number.isInteger(port)) throw new EndpointError();
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
