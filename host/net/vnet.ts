/**
 * The virtio header in front of each packet, VNET_BYTES long, as the core and TUN devices use it (<linux/virtio_net.h>; native
 * byte order, which is little-endian wherever we run). Outbound it lets the receiver of the packet finish the checksum and split
 * superpackets; inbound a merged superpacket carries the size of its segments, and a checksum that was verified before.
 */
import { VNET, VNET_BYTES } from "../core/records/vnet.ts";

export { VNET_BYTES };
/** The checksum field holds the pseudo-header's sum; whoever sends the packet on completes it. */
export const NEEDS_CHECKSUM = 1;
/** The checksum was verified by whoever hands the packet over. */
export const CHECKSUM_VALID = 2;

export const GSO_NONE = 0;
export const GSO_TCPV4 = 1;
export const GSO_TCPV6 = 4;
export const GSO_UDP = 5;
/** Added to a GSO type: the segments may carry CWR. */
export const GSO_ECN = 0x80;

/** Largest IP packet, superpackets included. */
export const PACKET_BYTES_MAX = 65_535;

/** A packet that is complete as it is. */
export function writePlainVnet(view: DataView, at: number): void {
  for (let i = 0; i < VNET_BYTES; i += 2) view.setUint16(at + i, 0);
}

/**
 * A packet whose checksum is to be finished, and that is to be split when `gsoType` is not GSO_NONE.
 * @param headers        bytes of IP and transport header
 * @param segment        payload bytes of each segment but the last; 0 for GSO_NONE
 * @param checksumStart  where the transport header starts, from the start of the packet
 * @param checksumOffset where its checksum is, from there
 */
export function writeVnet(
  view: DataView,
  at: number,
  gsoType: number,
  headers: number,
  segment: number,
  checksumStart: number,
  checksumOffset: number,
): void {
  view.setUint8(at + VNET.flags, NEEDS_CHECKSUM);
  view.setUint8(at + VNET.gsoType, gsoType);
  view.setUint16(at + VNET.headerLength, headers, true);
  view.setUint16(at + VNET.gsoSize, segment, true);
  view.setUint16(at + VNET.checksumStart, checksumStart, true);
  view.setUint16(at + VNET.checksumOffset, checksumOffset, true);
}

export function vnetFlags(view: DataView, at: number): number {
  return view.getUint8(at + VNET.flags);
}

export function vnetGsoType(view: DataView, at: number): number {
  return view.getUint8(at + VNET.gsoType) & ~GSO_ECN;
}

export function vnetSegment(view: DataView, at: number): number {
  return view.getUint16(at + VNET.gsoSize, true);
}
