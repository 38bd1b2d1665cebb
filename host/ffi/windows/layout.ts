/** Byte offsets in the structs of Windows that wasmguard fills or reads: 64 bits. Each names its header; a test compares them with mingw-w64's. */

/** <ws2def.h>, <ws2ipdef.h>; ports and addresses in network byte order */
export const SOCKADDR_IN = { family: 0, port: 2, address: 4, BYTES: 16 } as const;
export const SOCKADDR_IN6 = { family: 0, port: 2, flowInfo: 4, address: 8, scope: 24, BYTES: 28 } as const;
/** <ws2def.h> */
export const WSABUF = { length: 0, buffer: 8, BYTES: 16 } as const;
export const WSAMSG = {
  name: 0,
  nameLength: 8,
  buffers: 16,
  bufferCount: 24,
  controlLength: 32,
  control: 40,
  flags: 48,
  BYTES: 56,
} as const;
/** <ws2def.h>: header of a control message; the data follow, the next header is 8-byte aligned */
export const WSACMSGHDR = { length: 0, level: 8, type: 12, BYTES: 16 } as const;
/** <ws2ipdef.h> */
export const IN_PKTINFO = { address: 0, interface: 4, BYTES: 8 } as const;
export const IN6_PKTINFO = { address: 0, interface: 16, BYTES: 20 } as const;
/** <ws2ipdef.h>: an address of either family */
export const SOCKADDR_INET = { v4: 4, v6: 8, scope: 24, BYTES: 28 } as const;
/** <netioapi.h>: what an interface does with one address family */
export const MIB_IPINTERFACE_ROW = {
  family: 0,
  luid: 8,
  index: 16,
  usesAutomaticMetric: 44,
  routerDiscovery: 52,
  dadTransmits: 56,
  sitePrefixLength: 144,
  metric: 148,
  mtu: 152,
  connected: 156,
  BYTES: 168,
} as const;
/** <netioapi.h>: an address of an interface */
export const MIB_UNICASTIPADDRESS_ROW = {
  address: 0,
  luid: 32,
  prefixOrigin: 44,
  validLifetime: 52,
  preferredLifetime: 56,
  prefixLength: 60,
  dadState: 64,
  BYTES: 80,
} as const;
/** <netioapi.h>: a route */
export const MIB_IPFORWARD_ROW2 = {
  luid: 0,
  index: 8,
  prefix: 12,
  prefixLength: 40,
  nextHop: 44,
  metric: 84,
  BYTES: 104,
} as const;
/** <netioapi.h>: a count, then rows that are aligned to 8 bytes */
export const MIB_TABLE = { count: 0, rows: 8 } as const;
/** <netioapi.h> since Windows 10, version 2004; mingw-w64 has it in newer releases only */
export const DNS_INTERFACE_SETTINGS = { version: 0, flags: 8, nameServers: 24, searchList: 32, BYTES: 64 } as const;
export const GUID_BYTES = 16;
/** <minwinbase.h> */
export const OVERLAPPED = { status: 0, event: 24, BYTES: 32 } as const;
export const SECURITY_ATTRIBUTES = { length: 0, descriptor: 8, inherit: 16, BYTES: 24 } as const;
/** <winnt.h>: room for one privilege */
export const TOKEN_PRIVILEGES = { count: 0, first: 4, BYTES: 16 } as const;
export const LUID_AND_ATTRIBUTES = { luid: 0, attributes: 8, BYTES: 12 } as const;
/** <winsvc.h> */
export const SERVICE_STATUS = {
  type: 0,
  state: 4,
  accepts: 8,
  exitCode: 12,
  specificExitCode: 16,
  checkPoint: 20,
  waitHint: 24,
  BYTES: 28,
} as const;
/** <winsvc.h>: one line of the table, which ends with an empty one */
export const SERVICE_TABLE_ENTRY = { name: 0, main: 8, BYTES: 16 } as const;
/** <winsvc.h>: what follows failures, in their order */
export const SERVICE_FAILURE_ACTIONS = { resetPeriod: 0, count: 24, actions: 32, BYTES: 40 } as const;
export const SC_ACTION = { type: 0, delay: 4, BYTES: 8 } as const;
/** <winnt.h>: with one subauthority of 32 bits; `count` says how many there are */
export const SID = { revision: 0, count: 1, authority: 2, subauthorities: 8, BYTES: 12 } as const;
/** <winnt.h>: entries follow */
export const ACL = { size: 2, count: 4, BYTES: 8 } as const;
/** <winnt.h>: up to where the SID begins all kinds of entries that we read are alike */
export const ACCESS_ALLOWED_ACE = { type: 0, flags: 1, size: 2, mask: 4, sid: 8, BYTES: 12 } as const;
/** <wintrust.h>; the data as before Windows 8, which later ones take, too */
export const WINTRUST_FILE_INFO = { size: 0, path: 8, handle: 16, BYTES: 32 } as const;
export const WINTRUST_DATA = {
  size: 0,
  interface: 24,
  choice: 32,
  file: 40,
  action: 48,
  flags: 72,
  BYTES: 80,
} as const;
/** <verrsrc.h> */
export const VS_FIXEDFILEINFO = { fileVersionHigh: 8, fileVersionLow: 12, BYTES: 52 } as const;
/** <oaidl.h> */
export const VARIANT = { type: 0, value: 8, BYTES: 24 } as const;
/** <winsock2.h>: more than a WSADATA takes */
export const WSADATA_BYTES = 512;
export const HANDLE_BYTES = 8;
