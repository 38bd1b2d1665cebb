/**
 * IP, inbound (RFC 791, RFC 8200): checks the header, finds the transport and hands the packet on. Malformed packets and those for
 * others are counted and dropped.
 */
import { MAPPED_WORD } from "../address.ts";
import { fold, sum } from "../checksum.ts";
import type { NetCounters } from "../counters.ts";
import type { Inbound } from "../inbound.ts";
import type { Addresses } from "./addresses.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const FRAGMENT_MF_OFFSET = 0x3fff;

/**
 * Read the header of the packet from `packet.packet` to `packet.end`; `bytes`, `view` and the marks of the vnet header are set.
 * @returns whether it is for us: `start`, `end`, `protocol` and the addresses are then set
 */
export function readIp(packet: Inbound, addresses: Addresses, counters: NetCounters): boolean {
  const { view, packet: at, end } = packet;
  if (end - at < IPV4_HEADER) return drop(counters, "ipTruncated");
  const version = view.getUint8(at) >> 4;
  if (version === 4) return readIpv4(packet, addresses, counters);
  if (version === 6) return readIpv6(packet, addresses, counters);
  return drop(counters, "ipHeader");
}

function readIpv4(packet: Inbound, addresses: Addresses, counters: NetCounters): boolean {
  const { view, packet: at } = packet;
  const header = (view.getUint8(at) & 15) << 2;
  const length = view.getUint16(at + 2);
  if (header < IPV4_HEADER || length < header) return drop(counters, "ipHeader");
  if (at + length > packet.end) return drop(counters, "ipTruncated");
  if (fold(sum(view, at, at + header)) !== 0xffff) return drop(counters, "ipChecksum");
  packet.family = 4;
  packet.s0 = packet.s1 = packet.d0 = packet.d1 = 0;
  packet.s2 = packet.d2 = MAPPED_WORD;
  packet.s3 = view.getInt32(at + 12);
  packet.d3 = view.getInt32(at + 16);
  if (!addresses.has(0, 0, MAPPED_WORD, packet.d3)) return drop(counters, "ipNotOurs");
  if ((view.getUint16(at + 6) & FRAGMENT_MF_OFFSET) !== 0) return drop(counters, "ipFragment");
  packet.trafficClass = view.getUint8(at + 1);
  packet.hopLimit = view.getUint8(at + 8);
  packet.protocol = view.getUint8(at + 9);
  packet.start = at + header;
  packet.end = at + length;
  return true;
}

function readIpv6(packet: Inbound, addresses: Addresses, counters: NetCounters): boolean {
  const { view, packet: at } = packet;
  if (packet.end - at < IPV6_HEADER) return drop(counters, "ipTruncated");
  const length = view.getUint16(at + 4);
  if (at + IPV6_HEADER + length > packet.end) return drop(counters, "ipTruncated");
  packet.family = 6;
  packet.s0 = view.getInt32(at + 8);
  packet.s1 = view.getInt32(at + 12);
  packet.s2 = view.getInt32(at + 16);
  packet.s3 = view.getInt32(at + 20);
  packet.d0 = view.getInt32(at + 24);
  packet.d1 = view.getInt32(at + 28);
  packet.d2 = view.getInt32(at + 32);
  packet.d3 = view.getInt32(at + 36);
  if (packet.s0 === 0 && packet.s1 === 0 && packet.s2 === MAPPED_WORD) return drop(counters, "ipAddress");
  if (!addresses.has(packet.d0, packet.d1, packet.d2, packet.d3)) return drop(counters, "ipNotOurs");
  packet.trafficClass = (view.getUint16(at) >> 4) & 0xff;
  packet.hopLimit = view.getUint8(at + 7);
  packet.protocol = view.getUint8(at + 6);
  packet.start = at + IPV6_HEADER;
  packet.end = at + IPV6_HEADER + length;
  return true;
}

function drop(counters: NetCounters, reason: Parameters<NetCounters["add"]>[0]): false {
  counters.add(reason);
  return false;
}
