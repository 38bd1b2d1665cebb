/**
 * TCP segments as scripts write them, to bytes and back: plain code for tests, with nothing in common with the stack's own.
 * Every data byte follows from its place in the stream, so that whoever reads can tell whether each is the right one.
 */
import { concat, fixChecksums, onesSum, parse, pseudoSum, view } from "../../reference/packets.ts";

export const FLAGS = { F: 0x01, S: 0x02, R: 0x04, P: 0x08, A: 0x10, U: 0x20, E: 0x40, C: 0x80 } as const;

export interface SegmentOptions {
  mss?: number;
  windowScale?: number;
  sackPermitted?: boolean;
  /** Value and echo reply. */
  timestamps?: [number, number];
  /** Left and right edges. */
  sack?: [number, number][];
  /** Raw bytes behind all others. */
  raw?: Uint8Array;
}

export interface Segment {
  sourcePort: number;
  destinationPort: number;
  /** Absolute. */
  sequence: number;
  acknowledgement: number;
  flags: number;
  /** As in the header, not scaled. */
  window: number;
  urgent: number;
  options: SegmentOptions;
  payload: Uint8Array;
  trafficClass: number;
  hopLimit: number;
}

/** The byte at place `index` of a stream; the first byte after the SYN is at 1. */
export function patternByte(index: number): number {
  return (index * 31 + (index >>> 8) * 17 + (index >>> 16) * 13) & 0xff;
}

export function pattern(from: number, to: number): Uint8Array {
  return Uint8Array.from({ length: to - from }, (_, i) => patternByte(from + i));
}

function optionBytes(options: SegmentOptions): Uint8Array {
  const out: number[] = [];
  const word = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  if (options.mss !== undefined) out.push(2, 4, options.mss >> 8, options.mss & 255);
  if (options.sackPermitted) out.push(1, 1, 4, 2);
  if (options.timestamps) out.push(1, 1, 8, 10, ...options.timestamps.flatMap(word));
  if (options.windowScale !== undefined) out.push(1, 3, 3, options.windowScale);
  if (options.sack?.length) out.push(1, 1, 5, 2 + 8 * options.sack.length, ...options.sack.flat().flatMap(word));
  if (options.raw) out.push(...options.raw);
  while (out.length % 4 !== 0) out.push(0);
  return Uint8Array.from(out);
}

/** A whole IP packet with right checksums. */
export function encodeSegment(segment: Segment, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const options = optionBytes(segment.options);
  const header = new Uint8Array(20);
  const data = view(header);
  data.setUint16(0, segment.sourcePort);
  data.setUint16(2, segment.destinationPort);
  data.setUint32(4, segment.sequence);
  data.setUint32(8, segment.acknowledgement);
  header[12] = ((20 + options.length) / 4) << 4;
  header[13] = segment.flags;
  data.setUint16(14, segment.window);
  data.setUint16(18, segment.urgent);
  const body = concat(header, options, segment.payload);
  const ip = ipHeader(source, destination, 6, body.length, segment.trafficClass, segment.hopLimit);
  const packet = concat(ip, body);
  fixChecksums(packet, { version: source.length === 4 ? 4 : 6, protocol: 6, transport: ip.length, headers: 0 });
  return packet;
}

/** @param length of what follows  @returns a header; the checksum of IPv4 is left to the caller */
export function ipHeader(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
  trafficClass = 0,
  hopLimit = 64,
): Uint8Array {
  if (source.length === 4) {
    const header = new Uint8Array(12);
    header.set([0x45, trafficClass, 0, 0, 0, 0, 0x40, 0, hopLimit, protocol]);
    view(header).setUint16(2, 20 + length);
    return concat(header, source, destination);
  }
  const header = new Uint8Array(8);
  view(header).setUint32(0, 0x60000000 + trafficClass * 0x100000);
  view(header).setUint16(4, length);
  header.set([protocol, hopLimit], 6);
  return concat(header, source, destination);
}

/** @throws if a checksum is wrong or something is cut off: the stack must not send such */
export function decodeSegment(packet: Uint8Array): Segment {
  const { version, transport } = parse(packet);
  const data = view(packet);
  const claimed = version === 4 ? data.getUint16(2) : 40 + data.getUint16(4);
  if (claimed !== packet.length) throw new Error(`a packet of ${packet.length} bytes says that it has ${claimed}`);
  const rest = packet.subarray(transport);
  if (version === 4 && onesSum(packet.subarray(0, transport)) !== 0xffff) throw new Error("IPv4 header checksum");
  if (onesSum(rest, pseudoSum(packet, 6, rest.length)) !== 0xffff) throw new Error("TCP checksum");
  const headerBytes = (rest[12]! >> 4) * 4;
  if (headerBytes < 20 || headerBytes > rest.length) throw new Error(`TCP data offset ${headerBytes}`);
  return {
    sourcePort: data.getUint16(transport),
    destinationPort: data.getUint16(transport + 2),
    sequence: data.getUint32(transport + 4),
    acknowledgement: data.getUint32(transport + 8),
    flags: rest[13]!,
    window: data.getUint16(transport + 14),
    urgent: data.getUint16(transport + 18),
    options: decodeOptions(rest.subarray(20, headerBytes)),
    payload: rest.slice(headerBytes),
    trafficClass: version === 4 ? packet[1]! : (data.getUint16(0) >> 4) & 255,
    hopLimit: version === 4 ? packet[8]! : packet[7]!,
  };
}

function decodeOptions(bytes: Uint8Array): SegmentOptions {
  const options: SegmentOptions = {};
  const data = view(bytes);
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!;
    if (kind === 0) break;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1]!;
    if (!(length >= 2) || at + length > bytes.length) throw new Error("TCP option cut off");
    if (kind === 2) options.mss = data.getUint16(at + 2);
    else if (kind === 3) options.windowScale = bytes[at + 2]!;
    else if (kind === 4) options.sackPermitted = true;
    else if (kind === 8) options.timestamps = [data.getUint32(at + 2), data.getUint32(at + 6)];
    else if (kind === 5) {
      options.sack = [];
      for (let i = at + 2; i < at + length; i += 8) options.sack.push([data.getUint32(i), data.getUint32(i + 4)]);
    } else throw new Error(`TCP option ${kind}`);
    at += length;
  }
  return options;
}
