import type { Runtime } from "../../platform.ts";

/**
 * Every function of Windows that wasmguard calls, by the DLL that has it, and the shape of its arguments, one letter each, its result behind
 * the colon:
 *   i  int, BOOL, HRESULT, NTSTATUS
 *   u  DWORD, and what is shorter
 *   n  SIZE_T
 *   h  HANDLE, SOCKET, as a number: 32 bits count, and −1 is none
 *   p  address, given as a byte offset from the start of the core's linear memory; 0 is NULL
 *   a  address of memory that is not ours, as it is
 */
export const SIGNATURES = {
  kernel32: {
    CancelIoEx: "hp:i",
    CloseHandle: "h:i",
    ConnectNamedPipe: "hp:i",
    CreateEventW: "piip:h",
    CreateNamedPipeW: "puuuuuup:h",
    DisconnectNamedPipe: "h:i",
    GetCurrentProcess: ":h",
    GetLastError: ":u",
    GetModuleHandleW: "p:a",
    GetOverlappedResult: "hppi:i",
    GetProcAddress: "ap:a",
    GetSystemDirectoryW: "pu:u",
    GetTickCount64: ":a",
    LoadLibraryExW: "phu:h",
    LocalFree: "a:a",
    ReadFile: "hpupp:i",
    RtlMoveMemory: "aaa:v",
    SetProcessWorkingSetSize: "hnn:i",
    SwitchToThread: ":i",
    VirtualLock: "pn:i",
    WaitForMultipleObjects: "upiu:u",
    WriteFile: "hpupp:i",
  },
  ws2_32: {
    WSAEventSelect: "hhi:i",
    WSAGetLastError: ":i",
    WSAIoctl: "hupupuppp:i",
    WSASendMsg: "hpuppp:i",
    WSASocketW: "iiipuu:h",
    WSAStartup: "up:i",
    bind: "hpi:i",
    closesocket: "h:i",
    getsockname: "hpp:i",
    setsockopt: "hiipi:i",
  },
  advapi32: {
    AdjustTokenPrivileges: "hipupp:i",
    CheckTokenMembership: "hpp:i",
    ConvertStringSecurityDescriptorToSecurityDescriptorW: "pupp:i",
    CreateWellKnownSid: "uppp:i",
    GetTokenInformation: "hupup:i",
    LookupPrivilegeValueW: "ppp:i",
    OpenProcessToken: "hup:i",
  },
  iphlpapi: {
    CancelIPChangeNotify: "p:i",
    ConvertInterfaceAliasToLuid: "pp:u",
    ConvertInterfaceLuidToGuid: "pp:u",
    ConvertInterfaceLuidToIndex: "pp:u",
    FreeMibTable: "a:v",
    GetBestInterfaceEx: "pp:u",
    GetBestRoute2: "puppupp:u",
    GetIpForwardTable2: "up:u",
    GetUnicastIpAddressTable: "up:u",
    NotifyAddrChange: "pp:u",
    NotifyRouteChange: "pp:u",
  },
  bcrypt: {
    BCryptGenRandom: "hpuu:i",
  },
  oleaut32: {
    DispCallFunc: "aaiuuppp:i",
  },
} as const;

/** Of iphlpapi.dll too, but not in Wine. They return an error, or 0. */
export const IP_HELPER_SIGNATURES = {
  CreateIpForwardEntry2: "p:u",
  CreateUnicastIpAddressEntry: "p:u",
  GetIpInterfaceEntry: "p:u",
  InitializeIpForwardEntry: "p:v",
  InitializeUnicastIpAddressEntry: "p:v",
  SetIpInterfaceEntry: "p:u",
} as const;

/** Of iphlpapi.dll: what tells of changes in both families, by a call of a function. Wine has them, but they do nothing there. */
export const NOTIFY_SIGNATURES = {
  CancelMibChangeNotify2: "a:u",
  NotifyRouteChange2: "uaaup:u",
  NotifyUnicastIpAddressChange: "uaaup:u",
} as const;

/** Since Windows 10, version 2004. A GUID is handed over as each processor's convention has it: by its address, or in two registers. */
export const DNS_SIGNATURES = {
  x86_64: { SetInterfaceDnsSettings: "pp:u" },
  aarch64: { SetInterfaceDnsSettings: "aap:u" },
} as const;

/** The DLL that a driver comes with (wintun.h). Adapter and session are addresses. */
export const WINTUN_SIGNATURES = {
  WintunAllocateSendPacket: "au:a",
  WintunCloseAdapter: "a:v",
  WintunCreateAdapter: "ppp:a",
  WintunEndSession: "a:v",
  WintunGetAdapterLUID: "ap:v",
  WintunGetReadWaitEvent: "a:h",
  WintunGetRunningDriverVersion: ":u",
  WintunReceivePacket: "ap:a",
  WintunReleaseReceivePacket: "aa:v",
  WintunSendPacket: "aa:v",
  WintunStartSession: "au:a",
} as const;

export type LibraryName = keyof typeof SIGNATURES;

/** Addresses are BigInt, all else is a number. */
type Call<Shape extends string> = (
  ...args: (number | bigint)[]
) => Shape extends `${string}:a` ? bigint : Shape extends `${string}:v` ? undefined : number;
export type Calls<Table> = { readonly [Name in keyof Table]: Table[Name] extends string ? Call<Table[Name]> : never };

/** What a runtime's FFI must offer. */
export interface Backend {
  readonly name: Runtime;
  /** Machine address of the bytes. They must not move: Wasm memory or a plain ArrayBuffer. */
  addressOf(bytes: Uint8Array): bigint;
  /** The functions of one DLL, with offsets counted from `base`. @throws when it cannot be loaded or lacks one */
  bind<Table extends Readonly<Record<string, string>>>(path: string, table: Table, base: bigint): Calls<Table>;
}
