// Superpackets, slowly: what <linux/virtio_net.h> says a vnet header asks for, and when packets may be merged.
import { ACK, CWR, checksumsRight, concat, FIN, fixChecksums, type Parsed, PSH, parse, view } from "./packets.ts";

export interface Vnet {
  flags: number;
  gsoType: number;
  headerLength: number;
  gsoSize: number;
  checksumStart: number;
  checksumOffset: number;
}

export const GSO = { none: 0, tcp4: 1, tcp6: 4, udp: 5, ecn: 0x80 } as const;
export const NEEDS_CSUM = 1;

export function encodeVnet(vnet: Vnet): Uint8Array {
  const bytes = new Uint8Array(10);
  const data = view(bytes);
  bytes.set([vnet.flags, vnet.gsoType]);
  data.setUint16(2, vnet.headerLength, true);
  data.setUint16(4, vnet.gsoSize, true);
  data.setUint16(6, vnet.checksumStart, true);
  data.setUint16(8, vnet.checksumOffset, true);
  return bytes;
}

export function decodeVnet(bytes: Uint8Array): Vnet {
  const data = view(bytes);
  return {
    flags: bytes[0]!,
    gsoType: bytes[1]!,
    headerLength: data.getUint16(2, true),
    gsoSize: data.getUint16(4, true),
    checksumStart: data.getUint16(6, true),
    checksumOffset: data.getUint16(8, true),
  };
}

/** The vnet header that the kernel would put before this superpacket. */
export function vnetFor(packet: Uint8Array, gsoSize: number, headers: Parsed = parse(packet)): Vnet {
  const { version, protocol, transport } = headers;
  return {
    flags: NEEDS_CSUM,
    gsoType: protocol === 17 ? GSO.udp : version === 4 ? GSO.tcp4 : GSO.tcp6,
    headerLength: headers.headers,
    gsoSize,
    checksumStart: transport,
    checksumOffset: protocol === 6 ? 16 : 6,
  };
}

/** The segments of a superpacket: complete packets with right checksums. */
export function splitReference(packet: Uint8Array, gsoSize: number, headers: Parsed = parse(packet)): Uint8Array[] {
  const { version, protocol, transport } = headers;
  const payload = packet.subarray(headers.headers);
  const segments: Uint8Array[] = [];
  for (let at = 0; at < payload.length || at === 0; at += gsoSize) {
    const part = payload.subarray(at, at + gsoSize);
    const segment = concat(packet.subarray(0, headers.headers), part);
    const data = view(segment);
    if (version === 4) {
      data.setUint16(2, segment.length);
      data.setUint16(4, (view(packet).getUint16(4) + segments.length) % 0x10000);
    } else {
      data.setUint16(4, segment.length - 40);
    }
    if (protocol === 6) {
      data.setUint32(transport + 4, (data.getUint32(transport + 4) + at) % 2 ** 32);
      if (at > 0) segment[transport + 13]! &= ~CWR;
      if (at + gsoSize < payload.length) segment[transport + 13]! &= ~(FIN | PSH);
    } else {
      data.setUint16(transport + 4, segment.length - transport);
    }
    fixChecksums(segment, headers);
    segments.push(segment);
  }
  return segments;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The flow of a packet, "unknown" for one that hides it, undefined for one that has none. */
function flowOf(packet: Uint8Array): string | undefined {
  const { version, protocol } = parse(packet);
  if (!(version === 4 && packet.length >= 20) && !(version === 6 && packet.length >= 40)) return undefined;
  if (protocol !== 6 && protocol !== 17)
    return version === 6 && [0, 43, 44, 51, 60].includes(protocol) ? "unknown" : undefined;
  if (version === 4 && (packet[0] !== 0x45 || view(packet).getUint16(6) & 0x3fff)) return "unknown";
  const transport = version === 4 ? 20 : 40;
  if (packet.length < transport + 8) return undefined;
  return `${protocol} ${hex(packet.subarray(version === 4 ? 12 : 8, transport + 4))}`;
}

function mergeable(packet: Uint8Array): boolean {
  const headers = parse(packet);
  const { version, protocol, transport } = headers;
  const data = view(packet);
  const claimed = version === 4 ? data.getUint16(2) : 40 + data.getUint16(4);
  if (claimed !== packet.length) return false;
  if (protocol === 6) {
    if (packet.length < transport + 20 || headers.headers < transport + 20 || packet[transport + 12]! & 15)
      return false;
    if ((packet[transport + 13]! & ~PSH) !== ACK) return false;
  } else if (data.getUint16(transport + 4) !== packet.length - transport || data.getUint16(transport + 6) === 0) {
    return false;
  }
  return headers.headers < packet.length && checksumsRight(packet, headers);
}

/** What must be equal in all packets of one superpacket. */
function commonHeaders(packet: Uint8Array): string {
  const { version, protocol, transport, headers } = parse(packet);
  const ip =
    version === 4 ? [packet[0], packet[1], packet[6], packet[7], packet[8]] : [...packet.subarray(0, 4), packet[7]];
  const tcp =
    protocol === 6
      ? [
          packet.subarray(transport + 8, transport + 13),
          packet.subarray(transport + 14, transport + 16),
          packet.subarray(transport + 20, headers),
        ]
      : [];
  return `${headers} ${ip.join()} ${tcp.map(hex).join()}`;
}

function endsItem(packet: Uint8Array): boolean {
  const { protocol, transport } = parse(packet);
  return protocol === 6 && (packet[transport + 13]! & PSH) !== 0;
}

interface Group {
  packets: number[];
  bytes: number;
  segment: number;
  open: boolean;
  ids: number[];
}

/** Indexes of the packets that become one write each. Options: which protocols may be merged. */
export function coalesceReference(packets: Uint8Array[], merge: { tcp: boolean; udp: boolean }): number[][] {
  const groups: Group[] = [];
  let newest = new Map<string, Group>();
  packets.forEach((packet, index) => {
    const flow = flowOf(packet);
    const group: Group = { packets: [index], bytes: packet.length, segment: 0, open: false, ids: [] };
    if (flow === undefined || flow === "unknown") {
      if (flow === "unknown" && (merge.tcp || merge.udp)) newest = new Map();
      groups.push(group);
      return;
    }
    const { version, protocol, transport, headers } = parse(packet);
    const allowed = protocol === 6 ? merge.tcp : merge.udp;
    const candidate = allowed && mergeable(packet);
    const payload = packet.length - headers;
    const id = view(packet).getUint16(4);
    const last = newest.get(flow);
    if (candidate && last?.open) {
      const first = packets[last.packets[0]!]!;
      const expected = (view(first).getUint32(transport + 4) + last.bytes - headers) % 2 ** 32;
      const counts = [...last.ids, id].every((value, i) => value === (last.ids[0]! + i) % 0x10000);
      const atomic = (packet[6]! & 0x40) !== 0;
      const fits = counts || (atomic && (protocol === 17 || last.ids.every((value) => value === id)));
      if (
        commonHeaders(first) === commonHeaders(packet) &&
        payload <= last.segment &&
        last.bytes + payload <= 65535 &&
        (protocol === 17 ? last.packets.length < 64 : view(packet).getUint32(transport + 4) === expected) &&
        (version === 6 || fits)
      ) {
        last.packets.push(index);
        last.bytes += payload;
        last.ids.push(id);
        last.open = payload === last.segment && !endsItem(packet);
        return;
      }
    }
    if (candidate) Object.assign(group, { open: !endsItem(packet), segment: payload, ids: [id] });
    groups.push(group);
    newest.set(flow, group);
  });
  return groups.map((group) => group.packets);
}
