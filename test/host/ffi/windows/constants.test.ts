// The numbers of host/ffi/windows against the headers of mingw-w64.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as constants from "../../../../host/ffi/windows/constants.ts";
import * as layout from "../../../../host/ffi/windows/layout.ts";

const COMPILER = "x86_64-w64-mingw32-gcc-posix";
const HEADERS = `
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <sddl.h>
#include <accctrl.h>
#include <bcrypt.h>
#include <iphlpapi.h>
#include <netioapi.h>
#include <oleauto.h>
#include <wintrust.h>
#include <stddef.h>
#include "${fileURLToPath(new URL("../../../e2e/wintun/stand-in.h", import.meta.url))}"
`;

/** Type and members of each struct, as C has them. */
const STRUCTS: Readonly<Record<string, readonly [type: string, members: Readonly<Record<string, string>>]>> = {
  SOCKADDR_IN: ["SOCKADDR_IN", { family: "sin_family", port: "sin_port", address: "sin_addr" }],
  SOCKADDR_IN6: [
    "SOCKADDR_IN6",
    {
      family: "sin6_family",
      port: "sin6_port",
      flowInfo: "sin6_flowinfo",
      address: "sin6_addr",
      scope: "sin6_scope_id",
    },
  ],
  WSABUF: ["WSABUF", { length: "len", buffer: "buf" }],
  WSAMSG: [
    "WSAMSG",
    {
      name: "name",
      nameLength: "namelen",
      buffers: "lpBuffers",
      bufferCount: "dwBufferCount",
      controlLength: "Control.len",
      control: "Control.buf",
      flags: "dwFlags",
    },
  ],
  WSACMSGHDR: ["WSACMSGHDR", { length: "cmsg_len", level: "cmsg_level", type: "cmsg_type" }],
  IN_PKTINFO: ["IN_PKTINFO", { address: "ipi_addr", interface: "ipi_ifindex" }],
  IN6_PKTINFO: ["IN6_PKTINFO", { address: "ipi6_addr", interface: "ipi6_ifindex" }],
  MIB_IPINTERFACE_ROW: [
    "MIB_IPINTERFACE_ROW",
    {
      family: "Family",
      luid: "InterfaceLuid",
      index: "InterfaceIndex",
      usesAutomaticMetric: "UseAutomaticMetric",
      routerDiscovery: "RouterDiscoveryBehavior",
      dadTransmits: "DadTransmits",
      sitePrefixLength: "SitePrefixLength",
      metric: "Metric",
      mtu: "NlMtu",
      connected: "Connected",
    },
  ],
  SOCKADDR_INET: ["SOCKADDR_INET", { v4: "Ipv4.sin_addr", v6: "Ipv6.sin6_addr", scope: "Ipv6.sin6_scope_id" }],
  MIB_UNICASTIPADDRESS_ROW: [
    "MIB_UNICASTIPADDRESS_ROW",
    {
      address: "Address",
      luid: "InterfaceLuid",
      validLifetime: "ValidLifetime",
      preferredLifetime: "PreferredLifetime",
      prefixLength: "OnLinkPrefixLength",
      dadState: "DadState",
      prefixOrigin: "PrefixOrigin",
    },
  ],
  MIB_IPFORWARD_ROW2: [
    "MIB_IPFORWARD_ROW2",
    {
      luid: "InterfaceLuid",
      index: "InterfaceIndex",
      prefix: "DestinationPrefix.Prefix",
      prefixLength: "DestinationPrefix.PrefixLength",
      nextHop: "NextHop",
      metric: "Metric",
    },
  ],
  DNS_INTERFACE_SETTINGS: [
    "struct dns_settings",
    { version: "version", flags: "flags", nameServers: "name_server", searchList: "search_list" },
  ],
  OVERLAPPED: ["OVERLAPPED", { status: "Internal", event: "hEvent" }],
  SECURITY_ATTRIBUTES: [
    "SECURITY_ATTRIBUTES",
    { length: "nLength", descriptor: "lpSecurityDescriptor", inherit: "bInheritHandle" },
  ],
  TOKEN_PRIVILEGES: ["TOKEN_PRIVILEGES", { count: "PrivilegeCount", first: "Privileges" }],
  LUID_AND_ATTRIBUTES: ["LUID_AND_ATTRIBUTES", { luid: "Luid", attributes: "Attributes" }],
  SERVICE_STATUS: [
    "SERVICE_STATUS",
    {
      type: "dwServiceType",
      state: "dwCurrentState",
      accepts: "dwControlsAccepted",
      exitCode: "dwWin32ExitCode",
      specificExitCode: "dwServiceSpecificExitCode",
      checkPoint: "dwCheckPoint",
      waitHint: "dwWaitHint",
    },
  ],
  SERVICE_TABLE_ENTRY: ["SERVICE_TABLE_ENTRYW", { name: "lpServiceName", main: "lpServiceProc" }],
  SERVICE_FAILURE_ACTIONS: [
    "SERVICE_FAILURE_ACTIONSW",
    { resetPeriod: "dwResetPeriod", count: "cActions", actions: "lpsaActions" },
  ],
  SC_ACTION: ["SC_ACTION", { type: "Type", delay: "Delay" }],
  SID: [
    "SID",
    {
      revision: "Revision",
      count: "SubAuthorityCount",
      authority: "IdentifierAuthority",
      subauthorities: "SubAuthority",
    },
  ],
  ACL: ["ACL", { size: "AclSize", count: "AceCount" }],
  ACCESS_ALLOWED_ACE: [
    "ACCESS_ALLOWED_ACE",
    { type: "Header.AceType", flags: "Header.AceFlags", size: "Header.AceSize", mask: "Mask", sid: "SidStart" },
  ],
  WINTRUST_FILE_INFO: ["WINTRUST_FILE_INFO", { size: "cbStruct", path: "pcwszFilePath", handle: "hFile" }],
  WINTRUST_DATA: [
    "WINTRUST_DATA",
    {
      size: "cbStruct",
      interface: "dwUIChoice",
      choice: "dwUnionChoice",
      file: "pFile",
      action: "dwStateAction",
      flags: "dwProvFlags",
    },
  ],
  VS_FIXEDFILEINFO: ["VS_FIXEDFILEINFO", { fileVersionHigh: "dwFileVersionMS", fileVersionLow: "dwFileVersionLS" }],
  VARIANT: ["VARIANT", { type: "vt", value: "llVal" }],
};

/** @returns what the compiler has against these; nothing when all hold */
function complaints(asserts: readonly string[]): string {
  const source = `${HEADERS}\n${asserts.join("\n")}\n`;
  const { stdout, stderr, error } = spawnSync(COMPILER, ["-fsyntax-only", "-x", "c", "-"], {
    input: source,
    encoding: "utf8",
  });
  return error === undefined ? stdout + stderr : String(error);
}

const assert = (condition: string): string => `_Static_assert(${condition}, ${JSON.stringify(condition)});`;

test("constants are those of the headers", () => {
  const tables = {
    ...{
      ...constants.KERNEL,
      ...constants.FILE_ACCESS,
      ...constants.ERROR,
      ...constants.SOCKET,
      ...constants.AUTOMATION,
    },
    ...{
      ...constants.SERVICE,
      ...constants.EVENT_LOG,
      ...constants.REGISTRY,
      ...constants.TRUST,
      ...constants.NEIGHBOURS,
    },
  };
  const asserts = Object.entries(tables).map(([name, value]) =>
    assert(`(DWORD)(${name}) == (DWORD)(${value}${value > 0x7fffffff ? "u" : ""})`),
  );
  asserts.push(assert(`(ULONG_PTR)HKEY_LOCAL_MACHINE == ${constants.HKEY_LOCAL_MACHINE}u`));
  asserts.push(assert(`BCRYPT_USE_SYSTEM_PREFERRED_RNG == ${constants.BCRYPT_USE_SYSTEM_PREFERRED_RNG}`));
  expect(asserts.length).toBeGreaterThan(70);
  expect(complaints(asserts)).toBe("");
});

test("offsets and sizes are those of the headers", () => {
  const { MIB_TABLE, ...others } = layout;
  const entries: [string, number | Readonly<Record<string, number>>][] = Object.entries(others);
  const asserts = entries.flatMap(([name, struct]) => {
    if (typeof struct === "number") return [];
    const { BYTES, ...offsets } = struct;
    const [type, members] = STRUCTS[name]!;
    return [
      assert(`sizeof(${type}) == ${BYTES}`),
      ...Object.entries(offsets).map(([key, at]) => assert(`offsetof(${type}, ${members[key]}) == ${at}`)),
    ];
  });
  asserts.push(
    assert(`sizeof(WSADATA) <= ${layout.WSADATA_BYTES}`),
    assert(`sizeof(HANDLE) == ${layout.HANDLE_BYTES}`),
    assert(`sizeof(GUID) == ${layout.GUID_BYTES}`),
    ...["MIB_UNICASTIPADDRESS_TABLE", "MIB_IPFORWARD_TABLE2"].flatMap((type) => [
      assert(`offsetof(${type}, NumEntries) == ${MIB_TABLE.count}`),
      assert(`offsetof(${type}, Table) == ${MIB_TABLE.rows}`),
    ]),
  );
  expect(complaints(asserts)).toBe("");
});

test("a wrong number is told", () => {
  expect(complaints([assert("AF_INET6 == 10")])).toContain("AF_INET6 == 10");
});
