/** Inner packets of the simulation: IPv4, with a number by which each can be told apart. */
const HEADER = 20;
const MARK = 12;
const UNASSIGNED_PROTOCOL = 253; // RFC 3692: for experiments; nobody merges or splits it

export interface InnerPacket {
  readonly number: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

/** Inner address of machine `index`. */
export function innerAddress(index: number): Uint8Array {
  return Uint8Array.of(10, 0, 0, index + 1);
}

export function innerPacket(number: number, from: number, to: number, filling: Uint8Array): InnerPacket {
  const bytes = new Uint8Array(HEADER + MARK + filling.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  view.setUint16(2, bytes.length);
  bytes[8] = 64;
  bytes[9] = UNASSIGNED_PROTOCOL;
  bytes.set(innerAddress(from), 12);
  bytes.set(innerAddress(to), 16);
  view.setUint32(HEADER, number);
  view.setUint32(HEADER + 4, from);
  view.setUint32(HEADER + 8, to);
  bytes.set(filling, HEADER + MARK);
  return { number, from, to, bytes };
}

/** The number of a packet that `innerPacket` made. */
export function packetNumber(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER);
}
