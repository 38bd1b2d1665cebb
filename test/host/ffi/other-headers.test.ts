// The numbers of host/ffi for systems and processors that the tests do not run on, against their headers.
import { beforeEach, expect, test } from "vitest";
import * as constants from "../../../host/ffi/constants.ts";
import * as darwinConstants from "../../../host/ffi/darwin/constants.ts";
import { CONTROL, FILE, INET, KQUEUE, ROUTE, SOCKET, SYSTEM, UTUN } from "../../../host/ffi/darwin/constants.ts";
import { DARWIN_ERRNO } from "../../../host/ffi/darwin/errno.ts";
import * as darwinLayout from "../../../host/ffi/darwin/layout.ts";
import { darwinLibrary } from "../../../host/ffi/darwin/signatures.ts";
import { ERRNO } from "../../../host/ffi/errno.ts";
import * as layout from "../../../host/ffi/layout.ts";
import { SYSTEM_CALLS } from "../../../host/ffi/system-calls.ts";
import { darwinSymbols, differences, faults, whyNoZig } from "../../support/zig.ts";
import { HEADERS, layoutExpressions } from "./support/linux-headers.ts";

beforeEach((ctx) => {
  const missing = whyNoZig();
  if (missing !== undefined) ctx.skip(missing);
});

const ARM64 = "aarch64-linux-gnu.2.36";

test("constants of Linux are the same on arm64", () => {
  const ours = new Map(Object.values(constants).flatMap((group) => Object.entries(group)));
  expect(ours.size).toBeGreaterThan(90);
  expect(differences(ARM64, HEADERS, ours)).toEqual([]);
  expect(differences(ARM64, HEADERS, new Map(Object.entries(ERRNO)))).toEqual([]);
});

test("structs of Linux are as said on arm64", () => {
  const { BY_MACHINE, ...structs } = layout;
  expect(differences(ARM64, HEADERS, layoutExpressions({ ...structs, ...BY_MACHINE.aarch64 }))).toEqual([]);
});

test("numbers of system calls, which the filter decides by, are those of arm64", () => {
  const expected = new Map<string, number>();
  let headers = "#include <asm/unistd.h>\n";
  for (const [name, [, number]] of Object.entries(SYSTEM_CALLS)) {
    if (number !== undefined) expected.set(`__NR_${name}`, number);
    else headers += `#ifdef __NR_${name}\n_Static_assert(0, "arm64 has ${name}");\n#endif\n`;
  }
  expect(expected.size).toBeGreaterThan(100);
  expect(differences("aarch64-linux-musl", headers, expected)).toEqual([]);
});

const DARWIN_HEADERS = `
#define __APPLE_USE_RFC_3542 1
#include <errno.h>
#include <fcntl.h>
#include <mach/vm_inherit.h>
#include <net/if.h>
#include <net/if_dl.h>
#include <net/if_utun.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/ioctl.h>
#include <sys/kern_control.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sockio.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
`;

const DARWIN_STRUCTS: Record<keyof typeof darwinLayout, [type: string, fields: Record<string, string>]> = {
  IFREQ: ["struct ifreq", { name: "ifr_name", value: "ifr_mtu" }],
  CTL_INFO: ["struct ctl_info", { id: "ctl_id", name: "ctl_name" }],
  SOCKADDR_CTL: [
    "struct sockaddr_ctl",
    { length: "sc_len", family: "sc_family", system: "ss_sysaddr", id: "sc_id", unit: "sc_unit" },
  ],
  SOCKADDR_IN: [
    "struct sockaddr_in",
    { length: "sin_len", family: "sin_family", port: "sin_port", address: "sin_addr" },
  ],
  SOCKADDR_IN6: [
    "struct sockaddr_in6",
    {
      length: "sin6_len",
      family: "sin6_family",
      port: "sin6_port",
      flowInfo: "sin6_flowinfo",
      address: "sin6_addr",
      scope: "sin6_scope_id",
    },
  ],
  SOCKADDR_DL: ["struct sockaddr_dl", { length: "sdl_len", family: "sdl_family" }],
  SOCKADDR_UN: ["struct sockaddr_un", { length: "sun_len", family: "sun_family", path: "sun_path" }],
  IOVEC: ["struct iovec", { base: "iov_base", length: "iov_len" }],
  MSGHDR: [
    "struct msghdr",
    {
      name: "msg_name",
      nameLength: "msg_namelen",
      iov: "msg_iov",
      iovLength: "msg_iovlen",
      control: "msg_control",
      controlLength: "msg_controllen",
      flags: "msg_flags",
    },
  ],
  CMSGHDR: ["struct cmsghdr", { length: "cmsg_len", level: "cmsg_level", type: "cmsg_type" }],
  IN_PKTINFO: ["struct in_pktinfo", { interface: "ipi_ifindex", local: "ipi_spec_dst", destination: "ipi_addr" }],
  IN6_PKTINFO: ["struct in6_pktinfo", { address: "ipi6_addr", interface: "ipi6_ifindex" }],
  KEVENT: [
    "struct kevent",
    { ident: "ident", filter: "filter", flags: "flags", filterFlags: "fflags", data: "data", token: "udata" },
  ],
  POLLFD: ["struct pollfd", { fd: "fd", events: "events", happened: "revents" }],
  TIMESPEC: ["struct timespec", { seconds: "tv_sec", nanoseconds: "tv_nsec" }],
  RLIMIT: ["struct rlimit", { current: "rlim_cur", maximum: "rlim_max" }],
  RT_MSGHDR: [
    "struct rt_msghdr",
    {
      length: "rtm_msglen",
      version: "rtm_version",
      type: "rtm_type",
      index: "rtm_index",
      flags: "rtm_flags",
      addresses: "rtm_addrs",
      pid: "rtm_pid",
      sequence: "rtm_seq",
      error: "rtm_errno",
    },
  ],
};

/** How wide a call of ours takes arguments, where that is not plain from the prototypes. */
const DARWIN_TYPES = new Map([
  ["sizeof(long)", 8],
  ["sizeof(socklen_t)", 4],
  ["sizeof(nfds_t)", 4],
  ["sizeof(((struct msghdr *)0)->msg_iovlen)", 4],
  ["sizeof(((struct msghdr *)0)->msg_controllen)", 4],
  ["sizeof(((struct timespec *)0)->tv_sec)", 8],
  ["sizeof(((struct ctl_info *)0)->ctl_name)", UTUN.MAX_KCTL_NAME],
  ["CMSG_SPACE(sizeof(struct in_pktinfo))", 24],
  ["CMSG_SPACE(1)", 16],
]);

test.each(["x86_64-macos", "aarch64-macos"])(
  "numbers and structs of macOS are those of Apple's headers: %s",
  (target) => {
    const groups = [FILE, SOCKET, INET, UTUN, KQUEUE, ROUTE, SYSTEM];
    // All but those that no set of headers has.
    expect(groups.length + 1).toBe(Object.keys(darwinConstants).length);
    expect(CONTROL).toEqual({ SYSPROTO_CONTROL: 2, AF_SYS_CONTROL: 2 });
    const expected = new Map<string, number>(groups.flatMap((group) => Object.entries(group)));
    for (const [name, number] of Object.entries(DARWIN_ERRNO)) expected.set(name, number);
    for (const [expression, bytes] of DARWIN_TYPES) expected.set(expression, bytes);
    for (const [name, struct] of Object.entries(darwinLayout)) {
      const [type, fields] = DARWIN_STRUCTS[name as keyof typeof darwinLayout];
      for (const [field, offset] of Object.entries(struct)) {
        expected.set(field === "BYTES" ? `sizeof(${type})` : `offsetof(${type}, ${fields[field]})`, offset);
      }
    }
    expect(expected.size).toBeGreaterThan(180);
    expect(differences(target, DARWIN_HEADERS, expected)).toEqual([]);
  },
);

/** What a call in C takes for each letter of a signature. */
const C_ARGUMENTS = { i: "0", n: "(unsigned long)0", p: "(void *)pointer" } as const;

/** A call of each function as we make it; `shape` is without what stands in for registers. */
function calls(signatures: Readonly<Record<string, string>>): string {
  return Object.entries(signatures)
    .map(([name, shape]) => {
      const words = [...shape].map((letter) => C_ARGUMENTS[letter as keyof typeof C_ARGUMENTS]);
      return `  (void)${name}(${words.join(", ")});`;
    })
    .join("\n");
}

const program = (signatures: Readonly<Record<string, string>>): string =>
  `${DARWIN_HEADERS}#include <sched.h>\n#include <sys/stat.h>
void *pointer;
int main(void) {\n${calls(signatures)}\n  return 0;\n}\n`;

test("the C library of macOS has all functions that are called, with as many arguments", () => {
  const { signatures, errnoAt } = darwinLibrary("x86_64");
  const symbols = darwinSymbols();
  expect([errnoAt, ...Object.keys(signatures)].filter((name) => !symbols.has(`_${name}`))).toEqual([]);
  expect(symbols.has("_epoll_create1")).toBe(false);
  for (const target of ["x86_64-macos", "aarch64-macos"]) expect(faults(target, program(signatures))).toEqual([]);
  expect(faults("x86_64-macos", program({ ...signatures, kevent: "ipipi" })).join()).toMatch(/too few arguments/);
  expect(faults("x86_64-macos", program({ ...signatures, mlock: "np" }))).not.toEqual([]);
});

test("a number that is wrong is found", () => {
  const wrong = new Map([["AF_INET6", 10]]);
  expect(differences("aarch64-macos", DARWIN_HEADERS, wrong)[0]).toContain("is not 10");
});
