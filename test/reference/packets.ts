// IP packets, slowly: checksums (RFC 1071), parsing (RFC 791, 8200, 9293, 768), and building for tests.
// Everything in network byte order through DataView; nothing in common with the core's way of doing it.

export interface PacketFields {
  version: 4 | 6;
  protocol: "tcp" | "udp";
  source?: number;
  destination?: number;
  sourcePort?: number;
  destinationPort?: number;
  tos?: number;
  ttl?: number;
  id?: number;
  dontFragment?: boolean;
  flowLabel?: number;
  sequence?: number;
  acknowledgement?: number;
  flags?: number;
  window?: number;
  options?: Uint8Array;
  /** Whole IPv6 extension headers; the last one's next-header field is filled in. */
  extensions?: Uint8Array;
  extensionType?: number;
  payload: Uint8Array;
}

export const FIN = 0x01;
export const SYN = 0x02;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const CWR = 0x80;

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The 16-bit ones'-complement sum of big-endian words. */
export function onesSum(bytes: Uint8Array, seed = 0): number {
  let total = seed;
  for (let i = 0; i < bytes.length; i++) {
    total += i % 2 === 0 ? bytes[i]! * 256 : bytes[i]!;
    if (total > 0xffff) total -= 0xffff;
  }
  return total;
}

export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The sum of the pseudo-header for `length` bytes of transport header and data. */
export function pseudoSum(packet: Uint8Array, protocol: number, length: number): number {
  const addresses = packet[0]! >> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const rest = new Uint8Array(8);
  view(rest).setUint32(0, length);
  rest[7] = protocol;
  return onesSum(concat(addresses, rest));
}

export interface Parsed {
  version: number;
  protocol: number;
  transport: number;
  headers: number;
}

/** Headers of a TCP or UDP packet without IPv6 extensions. */
export function parse(packet: Uint8Array): Parsed {
  const version = packet[0]! >> 4;
  const protocol = version === 4 ? packet[9]! : packet[6]!;
  const transport = version === 4 ? (packet[0]! & 15) * 4 : 40;
  const headers = transport + (protocol === 6 ? (packet[transport + 12]! >> 4) * 4 : 8);
  return { version, protocol, transport, headers };
}

/** Compute IP and transport checksums anew; UDP never 0. */
export function fixChecksums(packet: Uint8Array, { version, protocol, transport }: Parsed): void {
  const data = view(packet);
  if (version === 4) {
    data.setUint16(10, 0);
    data.setUint16(10, 0xffff - onesSum(packet.subarray(0, transport)));
  }
  const field = transport + (protocol === 6 ? 16 : 6);
  data.setUint16(field, 0);
  const rest = packet.subarray(transport);
  const checksum = 0xffff - onesSum(rest, pseudoSum(packet, protocol, rest.length));
  data.setUint16(field, protocol === 17 && checksum === 0 ? 0xffff : checksum);
}

/** Whether every checksum of the packet is right. */
export function checksumsRight(packet: Uint8Array, { version, protocol, transport }: Parsed): boolean {
  const rest = packet.subarray(transport);
  const whole = onesSum(rest, pseudoSum(packet, protocol, rest.length));
  return whole === 0xffff && (version === 6 || onesSum(packet.subarray(0, transport)) === 0xffff);
}

function address(version: 4 | 6, host: number): Uint8Array {
  const bytes = new Uint8Array(version === 4 ? 4 : 16);
  bytes.set(version === 4 ? [10, 9] : [0xfd, 9]);
  view(bytes).setUint16(bytes.length - 2, host);
  return bytes;
}

function ipHeader(fields: PacketFields, length: number): Uint8Array {
  const { version, tos = 0, ttl = 64, extensions = new Uint8Array(0) } = fields;
  const protocol = fields.protocol === "tcp" ? 6 : 17;
  const addresses = concat(address(version, fields.source ?? 1), address(version, fields.destination ?? 2));
  if (version === 4) {
    const header = new Uint8Array(12);
    header.set([0x45, tos]);
    view(header).setUint16(2, 20 + length);
    view(header).setUint16(4, fields.id ?? 0);
    view(header).setUint16(6, fields.dontFragment === false ? 0 : 0x4000);
    header.set([ttl, protocol], 8);
    return concat(header, addresses);
  }
  const header = new Uint8Array(8);
  view(header).setUint32(0, 0x60000000 + tos * 0x100000 + (fields.flowLabel ?? 0));
  view(header).setUint16(4, extensions.length + length);
  header.set([extensions.length ? (fields.extensionType ?? 60) : protocol, ttl], 6);
  const whole = concat(header, addresses, extensions);
  if (extensions.length) whole[40] = protocol;
  return whole;
}

/** A complete packet with right checksums. */
export function buildPacket(fields: PacketFields): Uint8Array<ArrayBuffer> {
  const { protocol, payload, options = new Uint8Array(0) } = fields;
  const header = new Uint8Array(protocol === "tcp" ? 20 + options.length : 8);
  const data = view(header);
  data.setUint16(0, fields.sourcePort ?? 40000);
  data.setUint16(2, fields.destinationPort ?? 5201);
  if (protocol === "tcp") {
    data.setUint32(4, fields.sequence ?? 1);
    data.setUint32(8, fields.acknowledgement ?? 7);
    header[12] = (header.length / 4) << 4;
    header[13] = fields.flags ?? ACK;
    data.setUint16(14, fields.window ?? 512);
    header.set(options, 20);
  } else {
    data.setUint16(4, 8 + payload.length);
  }
  const ip = ipHeader(fields, header.length + payload.length);
  const packet = concat(ip, header, payload);
  const number = protocol === "tcp" ? 6 : 17;
  fixChecksums(packet, { version: fields.version, protocol: number, transport: ip.length, headers: 0 });
  return packet;
}
