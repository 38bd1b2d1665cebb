/**
 * Numbers of the Linux interface, each with its header; the same on x86_64 and arm64, glibc and musl.
 * A test compares them with the C compiler's.
 */

/** <asm-generic/fcntl.h>, <unistd.h> */
export const FILE = {
  O_RDONLY: 0,
  O_RDWR: 2,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
  F_GETFL: 3,
  F_SETFL: 4,
  F_SETFD: 2,
  FD_CLOEXEC: 1,
  F_OK: 0,
} as const;

/** <sys/socket.h>, <asm-generic/socket.h> */
export const SOCKET = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  SO_MARK: 36,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
} as const;

/** <netinet/in.h>, <linux/in.h>, <linux/in6.h>, <linux/udp.h> */
export const INET = {
  IPPROTO_IP: 0,
  IPPROTO_UDP: 17,
  IPPROTO_IPV6: 41,
  IP_TOS: 1,
  IP_PKTINFO: 8,
  IP_RECVTOS: 13,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  IPV6_RECVTCLASS: 66,
  IPV6_TCLASS: 67,
  UDP_SEGMENT: 103,
  UDP_GRO: 104,
} as const;

/** <linux/if_tun.h>, <linux/if.h>, <linux/sockios.h> */
export const TUN = {
  TUNSETIFF: 0x400454ca,
  TUNGETIFF: 0x800454d2,
  TUNSETOFFLOAD: 0x400454d0,
  TUNSETVNETHDRSZ: 0x400454d8,
  IFF_TUN: 0x0001,
  IFF_MULTI_QUEUE: 0x0100,
  IFF_NO_PI: 0x1000,
  IFF_VNET_HDR: 0x4000,
  TUN_F_CSUM: 0x01,
  TUN_F_TSO4: 0x02,
  TUN_F_TSO6: 0x04,
  TUN_F_USO4: 0x20,
  TUN_F_USO6: 0x40,
  IFNAMSIZ: 16,
  IFF_UP: 0x1,
  SIOCGIFFLAGS: 0x8913,
  SIOCSIFFLAGS: 0x8914,
  SIOCGIFMTU: 0x8921,
  SIOCSIFMTU: 0x8922,
  SIOCGIFINDEX: 0x8933,
} as const;

/** <sys/epoll.h>, <sys/eventfd.h> */
export const WAIT = {
  EPOLL_CLOEXEC: 0o2000000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLLIN: 0x001,
  EPOLLOUT: 0x004,
  EPOLLERR: 0x008,
  EPOLLHUP: 0x010,
  EFD_NONBLOCK: 0o4000,
  EFD_CLOEXEC: 0o2000000,
} as const;

/** <sys/inotify.h> */
export const INOTIFY = {
  IN_NONBLOCK: 0o4000,
  IN_CLOEXEC: 0o2000000,
  IN_MOVED_FROM: 0x40,
  IN_DELETE: 0x200,
  IN_DELETE_SELF: 0x400,
  IN_MOVE_SELF: 0x800,
  IN_UNMOUNT: 0x2000,
  IN_Q_OVERFLOW: 0x4000,
  IN_IGNORED: 0x8000,
} as const;

/** <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if_link.h> */
export const NETLINK = {
  NETLINK_ROUTE: 0,
  NLM_F_REQUEST: 1,
  NLM_F_DUMP: 0x300,
  RTMGRP_LINK: 0x1,
  RTMGRP_IPV4_IFADDR: 0x10,
  RTMGRP_IPV4_ROUTE: 0x40,
  RTMGRP_IPV6_IFADDR: 0x100,
  RTMGRP_IPV6_ROUTE: 0x400,
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
} as const;

/** <sys/mman.h>, <linux/prctl.h> */
export const PROCESS = { MADV_DONTDUMP: 16, MADV_DONTFORK: 10, PR_SET_DUMPABLE: 4 } as const;
