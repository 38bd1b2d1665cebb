/**
 * The IP packets that the demo without a system's own stack makes and answers: echo requests (RFC 792, RFC 4443) and
 * UDP datagrams without content (RFC 768). Headers without options; checksums are right, as receivers may insist.
 */
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TRANSPORT_BYTES = 8;
const PROTOCOL_ICMP = 1;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMPV6 = 58;
const HOP_LIMIT = 64;
const ECHO = { request: { 4: 8, 6: 128 }, reply: { 4: 0, 6: 129 } } as const;

/** 4 or 16 bytes each. */
export interface Route {
  from: Uint8Array;
  to: Uint8Array;
}

/** Ones' complement sum of 16-bit words (RFC 1071), not yet complemented. */
function sum(bytes: Uint8Array, start = 0): number {
  let total = start;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** An IP packet around `payload`, whose checksum at `checksumAt` is filled in. */
function wrap({ from, to }: Route, protocol: number, payload: Uint8Array, checksumAt: number): Uint8Array {
  const isIpv4 = from.length === 4;
  const header = new Uint8Array(isIpv4 ? IPV4_BYTES : IPV6_BYTES);
  if (isIpv4) {
    header[0] = 0x45;
    put16(header, 2, IPV4_BYTES + payload.length);
    header[8] = HOP_LIMIT;
    header[9] = protocol;
    header.set(from, 12);
    header.set(to, 16);
    put16(header, 10, ~sum(header) & 0xffff);
  } else {
    header[0] = 0x60;
    put16(header, 4, payload.length);
    header[6] = protocol;
    header[7] = HOP_LIMIT;
    header.set(from, 8);
    header.set(to, 24);
  }
  // ICMP for IPv4 alone has no pseudo header.
  const pseudo = protocol === PROTOCOL_ICMP ? 0 : sum(to, sum(from)) + protocol + payload.length;
  put16(payload, checksumAt, ~sum(payload, pseudo) & 0xffff || 0xffff);
  const packet = new Uint8Array(header.length + payload.length);
  packet.set(header);
  packet.set(payload, header.length);
  return packet;
}

function echo(route: Route, kind: keyof typeof ECHO, rest: Uint8Array): Uint8Array {
  const isIpv4 = route.from.length === 4;
  const message = new Uint8Array(4 + rest.length);
  message[0] = ECHO[kind][isIpv4 ? 4 : 6];
  message.set(rest, 4);
  return wrap(route, isIpv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, message, 2);
}

/** An echo request with 56 bytes of data, as ping(8) sends it. */
export function echoRequest(route: Route, sequence: number): Uint8Array {
  const rest = new Uint8Array(4 + 56);
  put16(rest, 2, sequence);
  return echo(route, "request", rest);
}

export interface Seen {
  route: Route;
  protocol: number;
  payload: Uint8Array;
}

/** The parts of a packet. */
export function look(packet: Uint8Array): Seen {
  const isIpv4 = packet[0]! >> 4 === 4;
  return isIpv4
    ? {
        route: { from: packet.subarray(12, 16), to: packet.subarray(16, 20) },
        protocol: packet[9]!,
        payload: packet.subarray(IPV4_BYTES),
      }
    : {
        route: { from: packet.subarray(8, 24), to: packet.subarray(24, 40) },
        protocol: packet[6]!,
        payload: packet.subarray(IPV6_BYTES),
      };
}

/** The reply to an echo request; undefined for any other packet. */
export function echoReply(packet: Uint8Array): Uint8Array | undefined {
  const { route, protocol, payload } = look(packet);
  if (protocol !== PROTOCOL_ICMP && protocol !== PROTOCOL_ICMPV6) return undefined;
  if (payload[0] !== ECHO.request[route.from.length === 4 ? 4 : 6]) return undefined;
  return echo({ from: route.to, to: route.from }, "reply", payload.slice(4));
}

/** The sequence number of an echo reply; undefined for any other packet. */
export function repliedSequence(packet: Uint8Array): number | undefined {
  const { route, protocol, payload } = look(packet);
  if (protocol === PROTOCOL_UDP || payload[0] !== ECHO.reply[route.from.length === 4 ? 4 : 6]) return undefined;
  return (payload[6]! << 8) | payload[7]!;
}

/** A UDP packet of `length` bytes in all. */
export function udpPacket(route: Route, length: number): Uint8Array {
  const payload = new Uint8Array(length - (route.from.length === 4 ? IPV4_BYTES : IPV6_BYTES));
  put16(payload, 0, 7000);
  put16(payload, 2, 7000);
  put16(payload, 4, payload.length);
  if (payload.length < TRANSPORT_BYTES) throw new RangeError("too short for a UDP header");
  return wrap(route, PROTOCOL_UDP, payload, 6);
}

export function isUdp(packet: Uint8Array): boolean {
  return look(packet).protocol === PROTOCOL_UDP;
}
