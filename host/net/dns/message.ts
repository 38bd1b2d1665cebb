/**
 * Queries and answers (RFC 1035, RFC 6891), by a library for the wire format. An answer counts if it is well-formed and to the question
 * that was asked (RFC 5452 §9.1); of its records those count that the question leads to, along a bounded chain of aliases. What else a
 * server adds is not looked at.
 */
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED, type SoaAnswer } from "@dnsquery/dns-packet";
import { IpAddress } from "../address.ts";

/** DNS flag day 2020: what gets through everywhere without fragments. */
const UDP_PAYLOAD_BYTES = 1232;
const ALIASES_MAX = 16;
/** Records of an answer: each may name thousands of pointers to names, which all have to be followed. */
const RECORDS_MAX = 256;
const HEADER_BYTES = 12;
/** A list of more addresses than this helps nobody. */
const ADDRESSES_MAX = 64;
/** Longer is believed for so long only; as resolvers do. */
const TTL_MAX = 86_400;
/** RFC 2308 §5 wants a limit of hours; a wrong "no" is worse than a query. */
const NEGATIVE_TTL_MAX = 300;
const NEGATIVE_TTL = 30;

export type RecordKind = "A" | "AAAA";

export interface Question {
  readonly name: string;
  readonly kind: RecordKind;
}

/** What a server said, as far as it answers the question. */
export type Reply =
  | { readonly outcome: "addresses"; readonly addresses: readonly IpAddress[]; readonly ttl: number }
  /** No such name, or no such record; for how many seconds that is believed. */
  | { readonly outcome: "no name" | "no data"; readonly ttl: number }
  | { readonly outcome: "truncated" }
  /** The server does not understand the query: perhaps it will without EDNS. */
  | { readonly outcome: "not understood" }
  | { readonly outcome: "failed" | "refused" };

export function encodeQuery(id: number, { name, kind }: Question, extension: "EDNS" | "plain"): Uint8Array {
  const packet: Packet = { type: "query", id, flags: RECURSION_DESIRED, questions: [{ type: kind, name }] };
  if (extension === "EDNS") {
    const option = { type: "OPT", name: ".", udpPayloadSize: UDP_PAYLOAD_BYTES, flags: 0, options: [] };
    packet.additionals = [option as unknown as Answer];
  }
  return encode(packet);
}

/** @returns undefined for what is malformed, or no answer to this question: it may be forged, and the true one still come */
export function readReply(bytes: Uint8Array, id: number, question: Question): Reply | undefined {
  if (!isPlausible(bytes, id)) return undefined;
  let packet: Packet;
  try {
    packet = decode(bytes);
  } catch {
    return undefined;
  }
  if (packet.id !== id || packet.type !== "response" || packet.opcode !== "QUERY") return undefined;
  const rcode = `${packet.rcode}`;
  const asked = packet.questions ?? [];
  if (asked.length === 0 && (rcode === "FORMERR" || rcode === "NOTIMP")) return { outcome: "not understood" };
  if (asked.length !== 1 || asked[0]!.type !== question.kind || plain(asked[0]!.name) !== question.name)
    return undefined;
  if (packet.flag_tc) return { outcome: "truncated" };
  switch (rcode) {
    case "NOERROR":
      return follow(packet, question);
    case "NXDOMAIN":
      return { outcome: "no name", ttl: negativeTtl(packet) };
    case "FORMERR":
    case "NOTIMP":
      return { outcome: "not understood" };
    case "REFUSED":
      return { outcome: "refused" };
    default:
      return { outcome: "failed" };
  }
}

/** What can be told before anything is read that costs more. */
function isPlausible(bytes: Uint8Array, id: number): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10);
  return view.getUint16(0) === id && view.getUint16(4) <= 1 && records <= RECORDS_MAX;
}

function follow(packet: Packet, { name, kind }: Question): Reply {
  const answers = packet.answers ?? [];
  let wanted = name;
  let ttl = TTL_MAX;
  for (let i = 0; i < ALIASES_MAX; i++) {
    const own = answers.filter((answer) => plain(answer.name) === wanted);
    const found = own.filter((answer) => answer.type === kind);
    if (found.length > 0) {
      const addresses = found
        .slice(0, ADDRESSES_MAX)
        .map((answer) => IpAddress.parse(`${answer.data}`))
        .filter((address) => address !== undefined);
      for (const answer of found) ttl = Math.min(ttl, ttlOf(answer));
      return addresses.length > 0 ? { outcome: "addresses", addresses, ttl } : { outcome: "failed" };
    }
    const alias = own.find((answer) => answer.type === "CNAME");
    if (alias === undefined) break;
    ttl = Math.min(ttl, ttlOf(alias));
    wanted = plain(`${alias.data}`);
  }
  return { outcome: "no data", ttl: Math.min(ttl, negativeTtl(packet)) };
}

/** RFC 2181 §8: a TTL with the highest bit set counts as zero. */
function ttlOf(answer: Answer): number {
  const ttl = (answer as { ttl?: number }).ttl ?? 0;
  return ttl >= 0 && ttl <= 0x7fffffff ? ttl : 0;
}

/** RFC 2308 §5: the smaller of the SOA record's TTL and minimum. */
function negativeTtl(packet: Packet): number {
  const soa = packet.authorities?.find((answer): answer is SoaAnswer => answer.type === "SOA");
  if (soa === undefined) return NEGATIVE_TTL;
  return Math.min(ttlOf(soa), soa.data.minimum ?? 0, NEGATIVE_TTL_MAX);
}

function plain(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}
