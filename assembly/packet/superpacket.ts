/**
 * The headers in front of what is written to a TUN device: `struct virtio_net_hdr`, VNET_BYTES before the packet,
 * and, for a superpacket, the first segment's own headers with the lengths of the whole.
 */
import {
  VNET_BYTES,
  VNET_CSUM_OFFSET,
  VNET_CSUM_START,
  VNET_FLAGS,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HDR_LEN,
} from "../abi";
import { complement, fold, pseudoHeader, sum } from "./checksum";
import { protocolOf, transportOf } from "./flow";
import { IPV4_CHECKSUM, IPV4_HEADER, IPV4_LENGTH, IPV6_HEADER, IPV6_LENGTH, store16, TCP } from "./ip";
import {
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  TCP_CHECKSUM,
  TCP_FLAGS,
  UDP_CHECKSUM,
  UDP_LENGTH,
  VNET_NEEDS_CSUM,
} from "./transport-header";

/** The vnet header of a packet that is complete: all zero. */
export function plainVnet(packet: usize): void {
  store<u64>(packet - VNET_BYTES, 0);
  store<u16>(packet - VNET_BYTES, 0, 8);
}

/**
 * Turn the headers of a first segment, `headers` bytes, into those of a superpacket.
 * @param length   bytes of the whole, headers included
 * @param segment  payload bytes of each segment but the last
 * @param push     FLAG_PSH or 0, for the whole
 */
export function superpacketHeaders(packet: usize, length: u32, headers: u32, segment: u32, push: u32): void {
  const transport = transportOf(packet);
  const protocol = protocolOf(packet);
  const at = packet + transport;
  const rest = length - transport;
  const ipv4 = transport === IPV4_HEADER;
  if (ipv4) {
    store16(packet + IPV4_LENGTH, length);
    store<u16>(packet, 0, IPV4_CHECKSUM);
    store<u16>(packet, <u16>complement(sum(packet, IPV4_HEADER)), IPV4_CHECKSUM);
  } else {
    store16(packet + IPV6_LENGTH, length - IPV6_HEADER);
  }

  // The kernel finishes the checksum: it wants the pseudo-header's sum, not complemented, where the checksum goes.
  const seed = <u16>fold(pseudoHeader(packet, protocol, rest));
  const tcp = protocol === TCP;
  if (tcp) {
    store<u8>(at, <u8>(load<u8>(at, TCP_FLAGS) | push), TCP_FLAGS);
    store<u16>(at, seed, TCP_CHECKSUM);
  } else {
    store16(at + UDP_LENGTH, rest);
    store<u16>(at, seed, UDP_CHECKSUM);
  }

  const vnet = packet - VNET_BYTES;
  store<u8>(vnet, <u8>VNET_NEEDS_CSUM, VNET_FLAGS);
  store<u8>(vnet, <u8>(tcp ? (ipv4 ? GSO_TCPV4 : GSO_TCPV6) : GSO_UDP_L4), VNET_GSO_TYPE);
  store<u16>(vnet, <u16>headers, VNET_HDR_LEN);
  store<u16>(vnet, <u16>segment, VNET_GSO_SIZE);
  store<u16>(vnet, <u16>transport, VNET_CSUM_START);
  store<u16>(vnet, <u16>(tcp ? TCP_CHECKSUM : UDP_CHECKSUM), VNET_CSUM_OFFSET);
}
