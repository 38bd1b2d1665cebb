/** Header fields that pass through a proxy, and those that end at it (RFC 9110 §7.6.1). */

import type { IncomingMessage } from "node:http";
import { hopsLeft } from "./hops.ts";

/** Fields about this connection alone, and what the proxy answers itself. */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export type Fields = Record<string, string | string[]>;

/**
 * The fields of a message that go on.
 * @param raw name, value, name, value …, as Node's rawHeaders
 */
export function passingFields(raw: readonly string[]): Fields {
  const named = new Set<string>();
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== "connection") continue;
    for (const name of raw[i + 1]!.split(",")) named.add(name.trim().toLowerCase());
  }
  // A length belongs to the message, whatever the other end calls it (a classic of request smuggling).
  named.delete("content-length");
  const fields: Fields = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named.has(lower)) continue;
    const before = fields[lower];
    const value = raw[i + 1]!;
    fields[lower] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return fields;
}

/** The fields of a message that go on, and by whose hands: this proxy's behind those before it (Via, RFC 9110 §7.6.3). */
export function forwardedFields(
  message: Pick<IncomingMessage, "rawHeaders" | "httpVersion" | "method" | "headers">,
): Fields {
  const fields = passingFields(message.rawHeaders);
  fields.via = [fields.via ?? [], `${message.httpVersion} wasmguard`].flat().join(", ");
  const hops = hopsLeft(message);
  if (hops !== undefined) fields["max-forwards"] = String(hops - 1);
  return fields;
}

/** The message's length is told twice, or in a way that two readers may take differently. */
export function isAmbiguous(raw: readonly string[]): boolean {
  let [lengths, codings] = [0, 0];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === "content-length") {
      lengths += 1;
      if (!/^\d+$/.test(raw[i + 1]!)) return true;
    }
    if (name === "transfer-encoding") {
      codings += 1;
      if (raw[i + 1]!.trim().toLowerCase() !== "chunked") return true;
    }
  }
  return lengths + codings > 1;
}
