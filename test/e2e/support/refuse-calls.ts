/**
 * As a program: becomes another one for which the kernel refuses some system calls, as a container's filter does, or lacks them, as
 * an older kernel.
 *   node refuse-calls.ts seccomp,getrandom=ENOSYS,ioctl:TUNSETVNETHDRSZ=EINVAL,socket:AF_NETLINK PROGRAM ARGUMENT…
 */
import { type ArgumentTest, Filter, refuse } from "../../../host/confine/filter.ts";
import { filterArchitecture, installFilter } from "../../../host/confine/install-filter.ts";
import { INET, PROCESS, SECCOMP, SOCKET, TUN } from "../../../host/ffi/constants.ts";
import { ERRNO } from "../../../host/ffi/errno.ts";
import { replaceProcess } from "../../../host/ffi/execute.ts";
import { check, openLibc } from "../../../host/ffi/libc.ts";
import { type SystemCallName, systemCall } from "../../../host/ffi/system-calls.ts";
import { machine } from "../../../host/platform.ts";

/** Calls that the product's own filters never name: <asm/unistd_64.h>, <asm-generic/unistd.h>. */
const OTHERS: Readonly<Record<string, readonly [x86_64: number, aarch64: number]>> = {
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
};

const CONSTANTS: Readonly<Record<string, number>> = { ...SOCKET, ...INET, ...PROCESS, ...TUN };
/** Which argument says what is asked of such a call. */
const SELECTOR: Readonly<Record<string, number>> = { ioctl: 1, socket: 0, setsockopt: 2, prctl: 0 };
const LEVELS: Readonly<Record<string, number>> = {
  IP: INET.IPPROTO_IP,
  IPV6: INET.IPPROTO_IPV6,
  UDP: INET.IPPROTO_UDP,
  SO: SOCKET.SOL_SOCKET,
};

function known(name: string, table: Readonly<Record<string, number>>): number {
  const value = Object.hasOwn(table, name) ? table[name] : undefined;
  if (value === undefined) throw new Error(`unknown: ${name}`);
  return value;
}

function numberOf(call: string): number {
  const other = OTHERS[call];
  const number = other === undefined ? systemCall(call as SystemCallName) : other[machine() === "aarch64" ? 1 : 0];
  if (number === undefined) throw new Error(`no such call: ${call}`);
  return number;
}

const [wishes = "", program = "", ...args] = process.argv.slice(2);
const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
const filter = new Filter();
filter.requireArchitecture(filterArchitecture());
for (const wish of wishes.split(",")) {
  const [, call = "", what, errno = "EPERM"] = /^(\w+)(?::(\w+))?(?:=(\w+))?$/.exec(wish) ?? [];
  const verdict = refuse(known(errno, ERRNO));
  if (what === undefined) {
    filter.decide([numberOf(call)], verdict);
    continue;
  }
  const tests: ArgumentTest[] = [{ argument: known(call, SELECTOR), relation: "is", values: [known(what, CONSTANTS)] }];
  if (call === "setsockopt") {
    tests.push({ argument: 1, relation: "is", values: [known(what.split("_")[0]!, LEVELS)] });
  }
  filter.decideBy(numberOf(call), [tests], verdict, SECCOMP.SECCOMP_RET_ALLOW);
}
filter.finish(SECCOMP.SECCOMP_RET_ALLOW);
check("seccomp", installFilter(libc, filter, "this"));
replaceProcess(libc, { program, argv: [program, ...args], environment: process.env as Record<string, string> });
