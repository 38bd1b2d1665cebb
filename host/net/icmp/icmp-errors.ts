/**
 * ICMP errors that this stack sends (RFC 1122 §3.2.2, RFC 4443 §2.4): about a packet that was for us and came to nothing. Never about
 * an error, a fragment that is not the first, or to anybody but one host; at a bounded rate.
 */

import { IpAddress } from "../address.ts";
import type { Inbound } from "../inbound.ts";
import { IpHeader } from "../ip/header.ts";
import type { IpTroubles } from "../ip/input.ts";
import { ICMP, ICMPV6, IPV6_HEADER_BYTES, UDP } from "../ip/protocols.ts";
import type { Context } from "../transport.ts";
import {
  isError,
  PARAMETER_PROBLEM_TYPE,
  PORT_UNREACHABLE,
  PROTOCOL_UNREACHABLE,
  REASSEMBLY_TIME_EXCEEDED,
  type TypeAndCode,
} from "./kinds.ts";
import type { Outbox } from "./outbox.ts";
import { ErrorRate } from "./rate.ts";

/** The whole error packet is no longer than everyone can take: RFC 1812 §4.3.2.3, RFC 4443 §2.4 c. */
const QUOTED_BYTES_MAX = { 4: 576 - 28, 6: 1280 - 48 } as const;
/** Where it matters, the quoted packet shows one segment of a merged one. */
const UDP_HEADER_BYTES = 8;

export class IcmpErrors implements IpTroubles {
  readonly #context: Context;
  readonly #outbox: Outbox;
  readonly #rate: ErrorRate;

  constructor(context: Context, outbox: Outbox) {
    this.#context = context;
    this.#outbox = outbox;
    this.#rate = new ErrorRate(context.random.bytes(16));
  }

  /** Nobody listens at the port it was sent to. */
  portUnreachable(packet: Inbound): void {
    this.#send(packet, PORT_UNREACHABLE[packet.family], 0);
  }

  /** There is no such protocol here. */
  protocolUnreachable(packet: Inbound): void {
    const pointer = packet.family === 4 ? 0 : packet.protocolAt - packet.packet;
    this.#send(packet, PROTOCOL_UNREACHABLE[packet.family], pointer);
  }

  parameterProblem(packet: Inbound, code: number, at: number): void {
    const word = packet.family === 4 ? (at << 24) >>> 0 : at;
    this.#send(packet, { type: PARAMETER_PROBLEM_TYPE[packet.family], code }, word);
  }

  reassemblyTimeExceeded(first: Uint8Array): void {
    const header = new IpHeader();
    const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
    if (header.parse(view, 0, first.length) !== "ok") return;
    const family = header.version;
    if (isIcmpError(view, header.protocol, header.payloadAt, header.end)) return;
    const bytes = family === 4 ? 4 : 16;
    const at = header.addressesAt;
    const source = IpAddress.fromBytes(first.subarray(at, at + bytes));
    const destination = IpAddress.fromBytes(first.subarray(at + bytes, at + 2 * bytes));
    this.#quote(first, destination, source, REASSEMBLY_TIME_EXCEEDED[family], 0);
  }

  #send(packet: Inbound, kind: TypeAndCode, word: number): void {
    if (isIcmpError(packet.view, packet.protocol, packet.start, packet.end)) return;
    const quoted = packet.bytes.slice(packet.packet, packet.packet + Math.min(packet.end - packet.packet, 1280));
    if (packet.segment > 0 && packet.protocol === UDP) showOneSegment(quoted, packet);
    this.#quote(quoted, packet.destination(), packet.source(), kind, word);
  }

  #quote(quoted: Uint8Array, local: IpAddress, remote: IpAddress, kind: TypeAndCode, word: number): void {
    const { counters, now } = this.#context;
    if (!this.#rate.take(remote, now)) return counters.add("icmpRate");
    const length = Math.min(quoted.length, QUOTED_BYTES_MAX[remote.family]);
    const message = new Uint8Array(8 + length);
    message[0] = kind.type;
    message[1] = kind.code;
    new DataView(message.buffer).setUint32(4, word);
    message.set(quoted.subarray(0, length), 8);
    this.#outbox.add({ local, remote, trafficClass: 0, hopLimit: 0 }, message);
  }
}

function isIcmpError(view: DataView, protocol: number, start: number, end: number): boolean {
  if (protocol !== ICMP && protocol !== ICMPV6) return false;
  return start >= end || isError(protocol === ICMP ? 4 : 6, view.getUint8(start));
}

/** Lengths as in the first datagram of those that were merged: its sender looks for what it sent. */
function showOneSegment(quoted: Uint8Array, { packet, start, segment, family }: Inbound): void {
  const view = new DataView(quoted.buffer);
  const transport = start - packet;
  const length = UDP_HEADER_BYTES + segment;
  if (transport + UDP_HEADER_BYTES > quoted.length) return;
  view.setUint16(transport + 4, length);
  if (family === 4) view.setUint16(2, transport + length);
  else view.setUint16(4, transport - IPV6_HEADER_BYTES + length);
}
