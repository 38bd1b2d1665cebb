/**
 * One send descriptor (TX_… of assembly/abi.ts) as one kernel message: bytes, socket address and the
 * control messages for segment size, source address, traffic class and hop limit.
 */
import { hasSource } from "../../core/records/path.ts";
import { txHops, txPath, txSegment, txTos } from "../../core/records/tx.ts";
import { INET } from "../../ffi/constants.ts";
import { IN_PKTINFO, IN6_PKTINFO } from "../../ffi/layout.ts";
import { pathToSocketAddress } from "../socket-address.ts";
import { controlSpace, type MessageTable } from "./message-table.ts";
import { HEADS, sourceToPacketInfo } from "./socket-address.ts";

/** Options of one address family: the same thing under two names. */
const V4 = {
  level: INET.IPPROTO_IP,
  info: INET.IP_PKTINFO,
  infoBytes: IN_PKTINFO.BYTES,
  tos: INET.IP_TOS,
  hops: INET.IP_TTL,
} as const;
const V6 = {
  level: INET.IPPROTO_IPV6,
  info: INET.IPV6_PKTINFO,
  infoBytes: IN6_PKTINFO.BYTES,
  tos: INET.IPV6_TCLASS,
  hops: INET.IPV6_HOPLIMIT,
} as const;

/**
 * Fill message `i` of the table.
 * @param offset where the bytes are, and `length` how many: all of the descriptor's, or one datagram
 *               of its train. More than the descriptor's segment size goes out as a train.
 */
export function fillMessage(
  table: MessageTable,
  i: number,
  descriptor: number,
  family: 4 | 6,
  offset: number,
  length: number,
): void {
  const { halves, words } = table.views;
  const options = family === 4 ? V4 : V6;
  const path = txPath(descriptor);
  const segment = txSegment(table.views, descriptor);
  const tos = txTos(table.views, descriptor);
  const hops = txHops(table.views, descriptor);
  const start = table.control(i);
  let at = start;
  if (length > segment) {
    halves[table.beginControl(at, INET.IPPROTO_UDP, INET.UDP_SEGMENT, 2) >> 1] = segment;
    at += controlSpace(2);
  }
  if (hasSource(table.views, path)) {
    sourceToPacketInfo(
      table.views,
      path,
      family,
      table.beginControl(at, options.level, options.info, options.infoBytes),
    );
    at += controlSpace(options.infoBytes);
  }
  if (tos !== 0) {
    words[table.beginControl(at, options.level, options.tos, 4) >> 2] = tos;
    at += controlSpace(4);
  }
  if (hops !== 0) {
    words[table.beginControl(at, options.level, options.hops, 4) >> 2] = hops;
    at += controlSpace(4);
  }
  table.setBytes(i, offset, length);
  table.setLengths(i, pathToSocketAddress(table.views, path, table.name(i), HEADS), at - start);
}
