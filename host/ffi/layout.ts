/**
 * Byte offsets in the C structs that wasmguard fills or reads: LP64, little-endian, Linux. Each names
 * its header; a test compares them with the C compiler's. Few differ between machines.
 */
import { machine } from "../platform.ts";

/** <net/if.h>; the union starts where `flags` does */
export const IFREQ = { name: 0, flags: 16, value: 16, BYTES: 40 } as const;

/** <netinet/in.h>; ports and addresses in network byte order */
export const SOCKADDR_IN = { family: 0, port: 2, address: 4, BYTES: 16 } as const;
export const SOCKADDR_IN6 = { family: 0, port: 2, flowInfo: 4, address: 8, scope: 24, BYTES: 28 } as const;
/** <sys/un.h> */
export const SOCKADDR_UN = { family: 0, path: 2, BYTES: 110 } as const;
/** <sys/socket.h>: who connected, or listens */
export const UCRED = { pid: 0, BYTES: 12 } as const;
/** <linux/netlink.h> */
export const SOCKADDR_NL = { family: 0, pid: 4, groups: 8, BYTES: 12 } as const;

/** <sys/uio.h> */
export const IOVEC = { base: 0, length: 8, BYTES: 16 } as const;
/** <sys/socket.h>: struct mmsghdr, whose first member is struct msghdr */
export const MMSGHDR = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
  BYTES: 64,
} as const;
/** <sys/socket.h>: header of a control message; the data follow, the next header is 8-byte aligned */
export const CMSGHDR = { length: 0, level: 8, type: 12, BYTES: 16 } as const;
/** <netinet/in.h> */
export const IN_PKTINFO = { interface: 0, local: 4, destination: 8, BYTES: 12 } as const;
export const IN6_PKTINFO = { address: 0, interface: 16, BYTES: 20 } as const;

/** What differs between processors: <sys/epoll.h>, packed on x86_64 only, and <sys/stat.h>, the start of struct stat. */
export const BY_MACHINE = {
  x86_64: { EPOLL_EVENT: { events: 0, data: 4, BYTES: 12 }, STAT: { mode: 24, device: 40, BYTES: 144 } },
  aarch64: { EPOLL_EVENT: { events: 0, data: 8, BYTES: 16 }, STAT: { mode: 16, device: 32, BYTES: 128 } },
} as const;
export const { EPOLL_EVENT, STAT } = BY_MACHINE[machine() ?? "aarch64"];
/** <poll.h> */
export const POLLFD = { fd: 0, events: 4, happened: 6, BYTES: 8 } as const;
/** <time.h> */
export const TIMESPEC = { seconds: 0, nanoseconds: 8, BYTES: 16 } as const;
/** <sys/inotify.h>; the name follows */
export const INOTIFY_EVENT = { watch: 0, mask: 4, cookie: 8, nameLength: 12, BYTES: 16 } as const;

/** <linux/netlink.h>, <linux/rtnetlink.h> */
export const NLMSGHDR = { length: 0, type: 4, flags: 6, sequence: 8, pid: 12, BYTES: 16 } as const;
export const IFINFOMSG = { family: 0, index: 4, flags: 8, change: 12, BYTES: 16 } as const;
export const IFADDRMSG = { family: 0, index: 4, BYTES: 8 } as const;
export const RTMSG = { family: 0, destinationBits: 1, sourceBits: 2, type: 7, flags: 8, BYTES: 12 } as const;
export const RTATTR = { length: 0, type: 2, BYTES: 4 } as const;

/** <linux/landlock.h>: packed */
export const LANDLOCK_PATH_BENEATH = { access: 0, parent: 8, BYTES: 12 } as const;

/** <linux/filter.h>: struct sock_filter and struct sock_fprog */
export const SOCK_FILTER = { code: 0, whenTrue: 2, whenFalse: 3, value: 4, BYTES: 8 } as const;
export const SOCK_FPROG = { length: 0, filter: 8, BYTES: 16 } as const;
/** <linux/seccomp.h>: what a filter sees; six arguments of 8 bytes, little-endian */
export const SECCOMP_DATA = { number: 0, architecture: 4, arguments: 16, BYTES: 64 } as const;
/** <linux/capability.h>: the header; then two of the set, for capabilities 0–31 and 32–63 */
export const CAPABILITY_HEADER = { version: 0, pid: 4, BYTES: 8 } as const;
export const CAPABILITY_SET = { effective: 0, permitted: 4, inheritable: 8, BYTES: 12 } as const;
/** <sys/resource.h> */
export const RLIMIT = { current: 0, maximum: 8, BYTES: 16 } as const;
/** <linux/landlock.h>: struct landlock_ruleset_attr, which grew with the ABI; a shorter one is passed to older kernels */
export const LANDLOCK_RULESET = { files: 0, network: 8, scoped: 16, BYTES: 24 } as const;
