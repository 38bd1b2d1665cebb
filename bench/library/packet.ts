/** The packets that the ends send each other: IPv4, protocol 253 (RFC 3692: for experiments), perhaps with a count. */
const HEADER_BYTES = 20;

/** From 10.0.0.`from` to 10.0.0.`to`. */
export function packetOf(from: number, to: number, bytes: number): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 253]);
  view.setUint16(2, bytes);
  packet.set([10, 0, 0, from, 10, 0, 0, to], 12);
  let sum = 0;
  for (let at = 0; at < HEADER_BYTES; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum);
  return packet;
}

export function setCounter(packet: Uint8Array, count: number): void {
  new DataView(packet.buffer, packet.byteOffset).setUint32(HEADER_BYTES, count);
}

export function counterAt(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(HEADER_BYTES);
}
