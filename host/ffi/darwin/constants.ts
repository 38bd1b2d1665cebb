/**
 * Numbers of the interface of macOS, each with its header; the same on x86_64 and arm64. A test compares them with Apple's headers.
 */

/** <sys/fcntl.h> */
export const FILE = {
  O_RDONLY: 0,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x1000000,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  FD_CLOEXEC: 1,
} as const;

/** <sys/socket.h> */
export const SOCKET = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_ROUTE: 17,
  AF_LINK: 18,
  AF_INET6: 30,
  AF_SYSTEM: 32,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOL_SOCKET: 0xffff,
  SO_SNDBUF: 0x1001,
  SO_RCVBUF: 0x1002,
  MSG_TRUNC: 0x10,
  MSG_CTRUNC: 0x20,
  MSG_DONTWAIT: 0x80,
} as const;

/** <sys/sys_domain.h>, which is in no set of headers that compilers for other systems have. */
export const CONTROL = { SYSPROTO_CONTROL: 2, AF_SYS_CONTROL: 2 } as const;

/** <netinet/in.h>, <netinet6/in6.h> as RFC 3542 has them */
export const INET = {
  IPPROTO_IP: 0,
  IPPROTO_IPV6: 41,
  IP_TOS: 3,
  IP_TTL: 4,
  IP_PKTINFO: 26,
  IP_RECVTOS: 27,
  IPV6_UNICAST_HOPS: 4,
  IPV6_V6ONLY: 27,
  IPV6_RECVTCLASS: 35,
  IPV6_TCLASS: 36,
  IPV6_PKTINFO: 46,
  IPV6_HOPLIMIT: 47,
  IPV6_RECVPKTINFO: 61,
} as const;

/** <sys/kern_control.h>, <net/if_utun.h>, <net/if.h>, <sys/sockio.h> */
export const UTUN = {
  CTLIOCGINFO: 0xc0644e03,
  MAX_KCTL_NAME: 96,
  UTUN_OPT_IFNAME: 2,
  IFNAMSIZ: 16,
  IFF_UP: 0x1,
  SIOCGIFFLAGS: 0xc0206911,
  SIOCGIFMTU: 0xc0206933,
  SIOCSIFMTU: 0x80206934,
} as const;

/** <sys/event.h> */
export const KQUEUE = {
  EVFILT_READ: -1,
  EVFILT_WRITE: -2,
  EVFILT_VNODE: -4,
  EV_ADD: 0x1,
  EV_DELETE: 0x2,
  EV_CLEAR: 0x20,
  EV_ERROR: 0x4000,
  EV_EOF: 0x8000,
  NOTE_WRITE: 0x2,
} as const;

/** <net/route.h> */
export const ROUTE = {
  RTM_VERSION: 5,
  RTM_ADD: 0x1,
  RTM_DELETE: 0x2,
  RTM_CHANGE: 0x3,
  RTM_GET: 0x4,
  RTM_NEWADDR: 0xc,
  RTM_DELADDR: 0xd,
  RTM_IFINFO: 0xe,
  RTA_DST: 0x1,
  RTA_IFP: 0x10,
} as const;

/** <poll.h>, <time.h>, <sys/resource.h>, <mach/vm_inherit.h> */
export const SYSTEM = {
  POLLIN: 0x1,
  POLLOUT: 0x4,
  CLOCK_MONOTONIC: 6,
  RLIMIT_CORE: 4,
  VM_INHERIT_NONE: 2,
} as const;
