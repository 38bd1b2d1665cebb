/**
 * Superpacket to segments: one read from a TUN device with a vnet header becomes complete IP packets.
 * What the kernel does in tcp_gso_segment and __udp_gso_segment (RFC 9293, RFC 768; <linux/virtio_net.h>).
 * The read is only read, the state lies at SCRATCH_PACKET: one split at a time, finished before the next begins.
 * Nothing in a read can make this trap, or look or write beyond the lengths given.
 */
import { VNET_BYTES, VNET_CSUM_OFFSET, VNET_CSUM_START, VNET_FLAGS, VNET_GSO_SIZE, VNET_GSO_TYPE } from "../abi";
import { SCRATCH, SCRATCH_PACKET } from "../memory/scratch";
import { complement, complementNonZero, copyAndSum, pseudoHeader, sum } from "./checksum";
import {
  FRAGMENT_MF_OFFSET,
  IPV4_CHECKSUM,
  IPV4_FRAGMENT,
  IPV4_HEADER,
  IPV4_ID,
  IPV4_LENGTH,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV6_HEADER,
  IPV6_LENGTH,
  IPV6_NEXT,
  load16,
  skipExtensions,
  store16,
  TCP,
  UDP,
  version,
} from "./ip";
import {
  FLAG_CWR,
  FLAG_FIN,
  FLAG_PSH,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  TCP_ACK,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_OFFSET,
  TCP_SEQUENCE,
  TCP_URGENT,
  TCP_WINDOW,
  UDP_CHECKSUM,
  UDP_HEADER,
  UDP_LENGTH,
  VNET_NEEDS_CSUM,
} from "./transport-header";

/** Why a read is refused. */
export const SPLIT_SHORT: i32 = -1; // shorter than its headers
export const SPLIT_VERSION: i32 = -2; // neither IPv4 nor IPv6, or not the one that gso_type names
export const SPLIT_TYPE: i32 = -3; // a gso_type that was never asked for
export const SPLIT_HEADER: i32 = -4; // not the transport that gso_type names, a fragment, a source route
export const SPLIT_CHECKSUM: i32 = -5; // the checksum field lies outside the packet
export const SPLIT_SIZE: i32 = -6; // gso_size 0, or more than 65535 bytes

const LENGTH_MAX: u32 = 65535;
const VNET: u32 = VNET_BYTES;

@unmanaged
class Split {
  packet: usize;
  length: u32;
  version: u32;
  /** TCP or UDP; 0 for a packet that goes as it is. */
  protocol: u32;
  /** Where the transport header starts; for a plain packet, where its checksum starts. */
  transport: u32;
  /** All headers; for a plain packet, where its checksum is stored, or 0 when nothing is to be done. */
  headers: u32;
  /** Payload bytes per segment, but for the last. */
  segment: u32;
  index: u32;
  count: u32;
  /** What the headers of all segments have in common, summed: IPv4's, and the transport's with its pseudo-header. */
  ipSum: u64;
  commonSum: u64;
}

function state(): Split {
  return changetype<Split>(SCRATCH + SCRATCH_PACKET);
}

/**
 * Begin with the read at `vnet`: vnet header and packet, `length` bytes in all.
 * @returns number of segments (1 for a plain packet), or one of SPLIT_… (all negative)
 */
export function splitBegin(vnet: usize, length: u32): i32 {
  if (length < VNET) return SPLIT_SHORT;
  const packet = vnet + VNET_BYTES;
  const begun = splitPlain(packet, length - VNET);
  if (begun < 0) return begun;

  const flags = load<u8>(vnet, VNET_FLAGS);
  const type = <u32>load<u8>(vnet, VNET_GSO_TYPE) & ~GSO_ECN;
  if (type === GSO_NONE) {
    return flags & VNET_NEEDS_CSUM
      ? finishChecksum(load<u16>(vnet, VNET_CSUM_START), load<u16>(vnet, VNET_CSUM_OFFSET))
      : 1;
  }
  const segment = <u32>load<u16>(vnet, VNET_GSO_SIZE);
  if (type === GSO_TCPV4) return segmented(TCP, 4, segment);
  if (type === GSO_TCPV6) return segmented(TCP, 6, segment);
  if (type === GSO_UDP_L4) return segmented(UDP, state().version, segment);
  state().count = 0;
  return SPLIT_TYPE;
}

/** Begin with a bare IP packet, as read from a device without vnet headers. @returns 1, or one of SPLIT_… */
export function splitPlain(packet: usize, length: u32): i32 {
  const split = state();
  split.index = 0;
  split.count = 0;
  if (length < IPV4_HEADER) return SPLIT_SHORT;
  if (length > LENGTH_MAX) return SPLIT_SIZE;
  split.version = version(packet, length);
  if (split.version === 0) return load<u8>(packet) >> 4 === 6 ? SPLIT_SHORT : SPLIT_VERSION;
  split.packet = packet;
  split.length = length;
  split.protocol = 0;
  split.headers = 0;
  split.count = 1;
  return 1;
}

/** Bytes of each segment but the last, headers included. */
export function splitSegmentLength(): u32 {
  const split = state();
  return split.protocol ? min(split.headers + split.segment, split.length) : split.length;
}

/** Write the next complete IP packet to `dst`, which does not overlap the read. @returns its length; 0 when done */
export function splitNext(dst: usize): u32 {
  const split = state();
  if (split.index >= split.count) return 0;
  const written = split.protocol ? writeSegment(split, dst) : writePlain(split, dst);
  split.index++;
  return written;
}

/** Remember where the sender's checksum, so far only a pseudo-header sum, has to be finished. */
function finishChecksum(start: u32, offset: u32): i32 {
  const split = state();
  if (start + offset + 2 > split.length) {
    split.count = 0;
    return SPLIT_CHECKSUM;
  }
  split.transport = start;
  split.headers = start + offset;
  return 1;
}

/** Find the headers anew (the kernel's hdr_len may be anything) and count the segments. */
function segmented(protocol: u32, wanted: u32, segment: u32): i32 {
  const split = state();
  split.count = 0;
  if (split.version !== wanted) return SPLIT_VERSION;
  if (segment === 0) return SPLIT_SIZE;
  const packet = split.packet;
  const length = split.length;

  let transport: u32;
  let found: u32;
  if (wanted === 4) {
    transport = (<u32>load<u8>(packet) & 15) << 2;
    found = load<u8>(packet, IPV4_PROTOCOL);
    if (transport < IPV4_HEADER || load16(packet + IPV4_FRAGMENT) & FRAGMENT_MF_OFFSET) return SPLIT_HEADER;
  } else {
    // A routing header ends the walk: the pseudo-header would need the last hop's address.
    const walked = skipExtensions(packet, length, IPV6_HEADER, load<u8>(packet, IPV6_NEXT));
    transport = walked >> 8;
    found = walked & 0xff;
  }
  if (found !== protocol) return SPLIT_HEADER;

  let headers = transport + (protocol === TCP ? TCP_HEADER : UDP_HEADER);
  if (headers > length) return SPLIT_SHORT;
  if (protocol === TCP) {
    const bytes = (<u32>load<u8>(packet + transport, TCP_OFFSET) >> 4) << 2;
    if (bytes < TCP_HEADER) return SPLIT_HEADER;
    headers = transport + bytes;
    if (headers > length) return SPLIT_SHORT;
  }
  split.protocol = protocol;
  split.transport = transport;
  split.headers = headers;
  split.segment = segment;
  split.count = max((length - headers + segment - 1) / segment, 1);
  sumHeaders(split);
  return split.count;
}

function writePlain(split: Split, dst: usize): u32 {
  const checksum = split.headers;
  if (checksum === 0) {
    memory.copy(dst, split.packet, split.length);
    return split.length;
  }
  const start = split.transport;
  copyAndSum(dst, split.packet, start);
  const total = copyAndSum(dst + start, split.packet + start, split.length - start);
  store<u16>(dst + checksum, <u16>complementNonZero(total));
  return split.length;
}

/** Sum what is the same in every segment: all but lengths, ID, sequence number, flags and the checksums themselves. */
function sumHeaders(split: Split): void {
  const packet = split.packet;
  const transport = packet + split.transport;
  if (split.version === 4) {
    const addresses = sum(packet + IPV4_SOURCE, split.transport - <u32>IPV4_SOURCE); // and options
    split.ipSum = addresses + load<u16>(packet) + load<u32>(packet, IPV4_FRAGMENT);
  }
  split.commonSum = pseudoHeader(packet, split.protocol, 0) + load<u32>(transport); // ports
  if (split.protocol !== TCP) return;
  const rest = sum(transport + TCP_URGENT, split.headers - split.transport - <u32>TCP_URGENT);
  const window = <u64>load<u8>(transport, TCP_OFFSET) + load<u16>(transport, TCP_WINDOW);
  split.commonSum += rest + window + load<u32>(transport, TCP_ACK);
}

/** Copy all headers of a segment, 28 bytes at least. The last 16 may overlap those before. */
function copyHeaders(dst: usize, src: usize, length: u32): void {
  const last = length - 16;
  for (let at: usize = 0; at < last; at += 16) v128.store(dst + at, v128.load(src + at));
  v128.store(dst + last, v128.load(src + last));
}

function writeSegment(split: Split, dst: usize): u32 {
  const packet = split.packet;
  const headers = split.headers;
  const index = split.index;
  const before = index * split.segment;
  const bytes = min(split.segment, split.length - headers - before);
  const length = headers + bytes;
  copyHeaders(dst, packet, headers);
  const payload = copyAndSum(dst + headers, packet + headers + before, bytes);

  if (split.version === 4) {
    const ipLength = bswap<u16>(<u16>length);
    const id = bswap<u16>(<u16>(load16(packet + IPV4_ID) + index));
    store<u16>(dst, ipLength, IPV4_LENGTH);
    store<u16>(dst, id, IPV4_ID);
    store<u16>(dst, <u16>complement(split.ipSum + ipLength + id), IPV4_CHECKSUM);
  } else {
    store16(dst + IPV6_LENGTH, length - IPV6_HEADER);
  }

  const from = packet + split.transport;
  const transport = dst + split.transport;
  const transportLength = length - split.transport;
  const total = split.commonSum + bswap<u32>(transportLength) + payload;
  if (split.protocol === TCP) {
    const sequence = bswap<u32>(bswap<u32>(load<u32>(from, TCP_SEQUENCE)) + before);
    let flags = <u32>load<u8>(from, TCP_FLAGS);
    if (index !== 0) flags &= ~FLAG_CWR;
    if (index !== split.count - 1) flags &= ~(FLAG_FIN | FLAG_PSH);
    store<u32>(transport, sequence, TCP_SEQUENCE);
    store<u8>(transport, <u8>flags, TCP_FLAGS);
    store<u16>(transport, <u16>complement(total + sequence + (flags << 8)), TCP_CHECKSUM);
  } else {
    const udpLength = bswap<u16>(<u16>transportLength);
    store<u16>(transport, udpLength, UDP_LENGTH);
    store<u16>(transport, <u16>complementNonZero(total + udpLength), UDP_CHECKSUM);
  }
  return length;
}
