/** ICMP types and codes of both families (RFC 792, RFC 1812, RFC 4443, RFC 7112), and what they mean to a transport. */
import type { IcmpError } from "../transport.ts";

export type ErrorKind = IcmpError["kind"];

export const ECHO_REPLY = { 4: 0, 6: 129 } as const;
export const ECHO_REQUEST = { 4: 8, 6: 128 } as const;

export interface TypeAndCode {
  readonly type: number;
  readonly code: number;
}

/** Errors that this stack sends. */
export const PORT_UNREACHABLE = { 4: { type: 3, code: 3 }, 6: { type: 1, code: 4 } } as const;
/** IPv6 has no "protocol unreachable": it says "unrecognized next header" and where. */
export const PROTOCOL_UNREACHABLE = { 4: { type: 3, code: 2 }, 6: { type: 4, code: 1 } } as const;
export const REASSEMBLY_TIME_EXCEEDED = { 4: { type: 11, code: 1 }, 6: { type: 3, code: 1 } } as const;
export const PARAMETER_PROBLEM_TYPE = { 4: 12, 6: 4 } as const;

const IPV4_UNREACHABLE: readonly (ErrorKind | undefined)[] = [
  "network",
  "host",
  "protocol",
  "port",
  "too-big",
  "network", // source route failed
  "network", // network unknown
  "host", // host unknown
  "host", // source host isolated
  "prohibited",
  "prohibited",
  "network", // for this type of service
  "host", // for this type of service
  "prohibited",
  "prohibited",
  "prohibited",
];

const IPV6_UNREACHABLE: readonly (ErrorKind | undefined)[] = [
  "network", // no route
  "prohibited",
  "host", // beyond scope of source address
  "host", // address unreachable
  "port",
  "prohibited", // source address failed policy
  "network", // reject route
  "prohibited", // error in source routing header
];

/** @returns undefined for what is no error, or one that says nothing: source quench (RFC 6633), redirects, the unknown */
export function kindOf(family: 4 | 6, type: number, code: number): ErrorKind | undefined {
  if (family === 4) {
    if (type === 3) return IPV4_UNREACHABLE[code];
    if (type === 11) return "hop-limit";
    return type === 12 ? "parameter" : undefined;
  }
  if (type === 1) return IPV6_UNREACHABLE[code];
  if (type === 2) return "too-big";
  if (type === 3) return "hop-limit";
  if (type === 4) return code === 1 ? "protocol" : "parameter";
  return undefined;
}

/** Is a message of this type an error? Errors are never answered by errors (RFC 1122 §3.2.2, RFC 4443 §2.4). */
export function isError(family: 4 | 6, type: number): boolean {
  return family === 4 ? [3, 4, 5, 11, 12].includes(type) : type < 128;
}
