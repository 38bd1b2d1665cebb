/** What the core, or a TUN device, does with a packet that has a vnet header: finishes checksums, splits superpackets. */
import { complement, fold, sum } from "../../host/net/checksum.ts";
import { VNET_BYTES, vnetFlags, vnetGsoType, vnetSegment } from "../../host/net/vnet.ts";

const FIN_PSH = 0x09;
const CWR = 0x80;

/** @param bytes vnet header and packet; copied  @returns single packets with checksums, without vnet headers */
export function splitPacket(bytes: Uint8Array): Uint8Array[] {
  const vnet = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packet = bytes.slice(VNET_BYTES);
  if ((vnetFlags(vnet, 0) & 1) === 0) return [packet];
  const headers = vnet.getUint16(2, true);
  const start = vnet.getUint16(6, true);
  const offset = vnet.getUint16(8, true);
  const gso = vnetGsoType(vnet, 0);
  if (gso === 0) {
    finish(packet, start, offset);
    return [packet];
  }
  const segments: Uint8Array[] = [];
  const size = vnetSegment(vnet, 0);
  for (let at = headers; at < packet.length; at += size) {
    const end = Math.min(at + size, packet.length);
    const segment = new Uint8Array(headers + end - at);
    segment.set(packet.subarray(0, headers));
    segment.set(packet.subarray(at, end), headers);
    adapt(segment, start, at - headers, gso, end === packet.length);
    // The field holds the pseudo-header's sum for the whole superpacket: that of the segment differs by its length.
    const view = viewOf(segment);
    const pseudo = view.getUint16(start + offset) + 0xffff - fold(packet.length - start) + (segment.length - start);
    view.setUint16(start + offset, fold(pseudo));
    finish(segment, start, offset);
    segments.push(segment);
  }
  return segments;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function finish(packet: Uint8Array, start: number, offset: number): void {
  const view = viewOf(packet);
  const checksum = complement(sum(view, start, packet.length));
  view.setUint16(start + offset, checksum === 0 && offset === 6 ? 0xffff : checksum);
}

function adapt(segment: Uint8Array, start: number, at: number, gso: number, last: boolean): void {
  const view = viewOf(segment);
  if (segment[0]! >> 4 === 4) {
    view.setUint16(2, segment.length);
    view.setUint16(10, 0);
    view.setUint16(10, complement(sum(view, 0, start)));
  } else {
    view.setUint16(4, segment.length - 40);
  }
  if (gso === 5) {
    view.setUint16(start + 4, segment.length - start);
    return;
  }
  view.setUint32(start + 4, view.getUint32(start + 4) + at);
  if (!last) segment[start + 13]! &= ~FIN_PSH;
  if (at > 0) segment[start + 13]! &= ~CWR;
}
