/**
 * Byte offsets in the C structs of macOS that wasmguard fills or reads: LP64, little-endian, the same on x86_64 and arm64. Each names
 * its header; a test compares them with Apple's. Socket addresses begin with their length there.
 */

/** As Linux has them. */
export { IN_PKTINFO, IN6_PKTINFO, IOVEC, POLLFD, RLIMIT, TIMESPEC } from "../layout.ts";

/** <net/if.h>; the union starts where `value` is */
export const IFREQ = { name: 0, value: 16, BYTES: 32 } as const;

/** <sys/kern_control.h> */
export const CTL_INFO = { id: 0, name: 4, BYTES: 100 } as const;
export const SOCKADDR_CTL = { length: 0, family: 1, system: 2, id: 4, unit: 8, BYTES: 32 } as const;

/** <netinet/in.h>; ports and addresses in network byte order */
export const SOCKADDR_IN = { length: 0, family: 1, port: 2, address: 4, BYTES: 16 } as const;
export const SOCKADDR_IN6 = { length: 0, family: 1, port: 2, flowInfo: 4, address: 8, scope: 24, BYTES: 28 } as const;
/** <net/if_dl.h> */
export const SOCKADDR_DL = { length: 0, family: 1, BYTES: 20 } as const;
/** <sys/un.h> */
export const SOCKADDR_UN = { length: 0, family: 1, path: 2, BYTES: 106 } as const;

/** <sys/socket.h>: the number of vectors and both lengths are 32 bits wide */
export const MSGHDR = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 44,
  BYTES: 48,
} as const;
/** <sys/socket.h>: header of a control message; data and the next header are 4-byte aligned */
export const CMSGHDR = { length: 0, level: 4, type: 8, BYTES: 12 } as const;

/** <sys/event.h> */
export const KEVENT = { ident: 0, filter: 8, flags: 10, filterFlags: 12, data: 16, token: 24, BYTES: 32 } as const;

/** <net/route.h>; socket addresses follow, 4-byte aligned. All messages begin with length, version and type. */
export const RT_MSGHDR = {
  length: 0,
  version: 2,
  type: 3,
  index: 4,
  flags: 8,
  addresses: 12,
  pid: 16,
  sequence: 20,
  error: 24,
  BYTES: 92,
} as const;
