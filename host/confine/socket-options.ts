/**
 * The options that the daemon sets and reads at its sockets, by level. All others are refused: among them those that need a
 * right which it keeps (IP_TRANSPARENT sends from foreign addresses), those that reach into netfilter (IPT_SO_…), and
 * those that run programs in the kernel (SO_ATTACH_BPF).
 */
import { INET, SOCKET } from "../ffi/constants.ts";
import type { Alternative } from "./filter.ts";

const TRANSPORT = [INET.UDP_SEGMENT, INET.UDP_GRO];
/** The runtime's own, at the connections that ask for metrics. */
const STREAM = [INET.TCP_NODELAY];

const SET: readonly [level: number, options: readonly number[]][] = [
  [
    SOCKET.SOL_SOCKET,
    [
      SOCKET.SO_MARK,
      SOCKET.SO_RCVBUF,
      SOCKET.SO_SNDBUF,
      SOCKET.SO_RCVBUFFORCE,
      SOCKET.SO_SNDBUFFORCE,
      SOCKET.SO_REUSEPORT,
      SOCKET.SO_REUSEADDR,
      SOCKET.SO_KEEPALIVE,
      SOCKET.SO_LINGER,
    ],
  ],
  [INET.IPPROTO_IP, [INET.IP_PKTINFO, INET.IP_TOS, INET.IP_RECVTOS, INET.IP_MTU_DISCOVER, INET.IP_RECVERR]],
  [
    INET.IPPROTO_IPV6,
    [
      INET.IPV6_V6ONLY,
      INET.IPV6_RECVPKTINFO,
      INET.IPV6_TCLASS,
      INET.IPV6_RECVTCLASS,
      INET.IPV6_MTU_DISCOVER,
      INET.IPV6_RECVERR,
      INET.IPV6_DONTFRAG,
    ],
  ],
  [INET.IPPROTO_UDP, TRANSPORT],
  [INET.IPPROTO_TCP, STREAM],
];

const GET: readonly [level: number, options: readonly number[]][] = [
  [
    SOCKET.SOL_SOCKET,
    [
      SOCKET.SO_TYPE,
      SOCKET.SO_ERROR,
      SOCKET.SO_SNDBUF,
      SOCKET.SO_RCVBUF,
      SOCKET.SO_MARK,
      SOCKET.SO_PROTOCOL,
      SOCKET.SO_DOMAIN,
    ],
  ],
  [INET.IPPROTO_IP, [INET.IP_MTU, INET.IP_MTU_DISCOVER]],
  [INET.IPPROTO_IPV6, [INET.IPV6_MTU, INET.IPV6_MTU_DISCOVER]],
  [INET.IPPROTO_UDP, TRANSPORT],
  [INET.IPPROTO_TCP, STREAM],
];

function alternatives(table: typeof SET): Alternative[] {
  return table.map(([level, options]) => [
    { argument: 1, relation: "is", values: [level] },
    { argument: 2, relation: "is", values: options },
  ]);
}

export const SETTABLE: readonly Alternative[] = alternatives(SET);
export const READABLE: readonly Alternative[] = alternatives(GET);
