// The filter of system calls, run by an interpreter of the few instructions it has, and its numbers against C's headers.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Filter } from "../../../host/confine/filter.ts";
import { sandboxFilter } from "../../../host/confine/sandbox.ts";
import { daemonFilter } from "../../../host/confine/seccomp.ts";
import { INET, PROCESS, SECCOMP, SOCKET, TUN } from "../../../host/ffi/constants.ts";
import { EAFNOSUPPORT, EAGAIN, ENOSYS, EPERM } from "../../../host/ffi/errno.ts";
import { SYSTEM_CALLS, type SystemCallName, systemCall } from "../../../host/ffi/system-calls.ts";
import { machine } from "../../../host/platform.ts";

const PID = 4321;
const daemon = daemonFilter({ pid: PID, openErrno: EAGAIN });
const ARCHITECTURE = machine() === "aarch64" ? SECCOMP.AUDIT_ARCH_AARCH64 : SECCOMP.AUDIT_ARCH_X86_64;

function verdict(
  number: number,
  args: readonly number[] = [],
  architecture: number = ARCHITECTURE,
  filter: Filter = daemon,
): string {
  const program = new DataView(new ArrayBuffer(8 * filter.length));
  filter.write(program, 0);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  args.forEach((value, i) => {
    data.setBigUint64(16 + 8 * i, BigInt(value), true);
  });
  let word = 0;
  for (let at = 0; at < filter.length; at++) {
    const code = program.getUint16(8 * at, true);
    const value = program.getUint32(8 * at + 4, true);
    const jump = (condition: boolean) => program.getUint8(8 * at + (condition ? 2 : 3));
    if (code === SECCOMP.BPF_LOAD_WORD) word = data.getUint32(value, true);
    else if (code === SECCOMP.BPF_JUMP_EQUAL) at += jump(word === value);
    else if (code === SECCOMP.BPF_JUMP_NOT_BELOW) at += jump(word >= value);
    else if (code === SECCOMP.BPF_JUMP_ANY_BIT) at += jump((word & value) !== 0);
    else if (code === SECCOMP.BPF_JUMP) at += value;
    else if (value === SECCOMP.SECCOMP_RET_ALLOW) return "allow";
    else return value === SECCOMP.SECCOMP_RET_KILL_PROCESS ? "kill" : `errno ${value & 0xffff}`;
  }
  throw new Error("ran off the end");
}

const of = (name: SystemCallName, ...args: number[]) => verdict(systemCall(name)!, args);

test("what the daemon needs is allowed", () => {
  for (const name of ["read", "writev", "recvmmsg", "sendmsg", "futex", "mmap", "exit_group", "newfstatat"] as const) {
    expect([name, of(name)]).toEqual([name, "allow"]);
  }
  expect(of("socket", SOCKET.AF_INET6, SOCKET.SOCK_DGRAM | SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC, 0)).toBe(
    "allow",
  );
  expect(of("ioctl", 5, TUN.TUNGETIFF, 0)).toBe("allow");
  expect(of("clone", PROCESS.CLONE_THREAD | 0x100)).toBe("allow");
  expect(of("prctl", PROCESS.PR_SET_NAME)).toBe("allow");
  expect(of("kill", PID, 15)).toBe("allow");
});

test("what it does not need is refused by its arguments, and by default", () => {
  const refused = `errno ${EPERM}`;
  expect(of("socket", SOCKET.AF_INET, SOCKET.SOCK_STREAM, 0)).toBe(refused);
  expect(of("socket", SOCKET.AF_UNIX, SOCKET.SOCK_DGRAM, 0)).toBe(refused);
  expect(of("ioctl", 0, 0x5412, 0)).toBe(refused); // TIOCSTI
  expect(of("ioctl", 5, TUN.TUNSETIFF, 0)).toBe(refused);
  expect(of("clone", 17)).toBe(refused);
  expect(of("prctl", PROCESS.PR_SET_DUMPABLE, 1)).toBe(refused);
  expect(of("kill", 1, 9)).toBe(refused);
  expect(of("openat")).toBe(`errno ${EAGAIN}`);
  expect(of("io_uring_enter")).toBe(refused);
  expect(verdict(9999)).toBe(refused);
});

test("signals reach this process alone, by whatever call", () => {
  const refused = `errno ${EPERM}`;
  for (const name of ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"] as const) {
    expect([name, of(name, PID, 15)]).toEqual([name, "allow"]);
    for (const other of [1, 0, PID + 1, 2 ** 32 - 1]) expect([name, of(name, other, 15)]).toEqual([name, refused]);
  }
  for (const name of ["tkill", "pidfd_open", "pidfd_send_signal"] as const)
    expect([name, of(name, PID)]).toEqual([name, refused]);
  expect(of("fcntl", 3, 8, 1)).toBe(refused); // F_SETOWN
});

test("sockets are UDP, and their options are those that the daemon sets", () => {
  const refused = `errno ${EPERM}`;
  expect(of("socket", SOCKET.AF_INET, SOCKET.SOCK_DGRAM, INET.IPPROTO_UDP)).toBe("allow");
  for (const protocol of [1, 136, 255]) expect(of("socket", SOCKET.AF_INET, SOCKET.SOCK_DGRAM, protocol)).toBe(refused);
  expect(of("setsockopt", 5, SOCKET.SOL_SOCKET, SOCKET.SO_MARK)).toBe("allow");
  expect(of("setsockopt", 5, INET.IPPROTO_UDP, INET.UDP_GRO)).toBe("allow");
  // IP_TRANSPARENT, IPT_SO_SET_REPLACE, and an option of one level at another.
  for (const option of [19, 64, SOCKET.SO_MARK]) expect(of("setsockopt", 5, INET.IPPROTO_IP, option)).toBe(refused);
  for (const option of [25, 26, 50]) expect(of("setsockopt", 5, SOCKET.SOL_SOCKET, option)).toBe(refused);
  expect(of("getsockopt", 5, INET.IPPROTO_IP, 64)).toBe(refused);
  expect(of("connect", 5)).toBe(refused);
});

test("every option that the daemon's code sets is one that the filter lets pass", () => {
  const folder = new URL("../../../host/os/linux/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.[jt]s$/.test(name));
  const source = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  const calls = source.matchAll(/[sS]et(?:Option)?\((?:[\w.#]+, )*?(SOCKET|INET)\.(\w+), (SOCKET|INET)\.(\w+)/g);
  const constants: Record<string, Record<string, number>> = { SOCKET, INET };
  const options = [...calls].map(([, room, level, other, option]) => [
    constants[room!]![level!]!,
    constants[other!]![option!]!,
  ]);
  // Compiled, the constants keep their names.
  expect(options.length).toBeGreaterThan(8);
  for (const option of options) expect([option, of("setsockopt", 5, ...option)]).toEqual([option, "allow"]);
});

test("the sandbox that the runtime starts in has no ring, and no handler for SIGUSR1", () => {
  const sandbox = (name: SystemCallName, ...args: number[]) =>
    verdict(systemCall(name)!, args, ARCHITECTURE, sandboxFilter());
  for (const name of ["io_uring_setup", "io_uring_enter", "io_uring_register"] as const) {
    expect([name, sandbox(name)]).toEqual([name, `errno ${ENOSYS}`]);
  }
  expect(sandbox("rt_sigaction", PROCESS.SIGUSR1)).toBe("errno 0");
  expect(sandbox("rt_sigaction", 15)).toBe("allow");
  for (const name of ["ptrace", "mount", "setns", "bpf"] as const) expect(sandbox(name)).toBe(`errno ${EPERM}`);
  for (const name of ["openat", "execve", "clone", "read"] as const) expect(sandbox(name)).toBe("allow");
  expect(sandbox("socket", SOCKET.AF_INET, SOCKET.SOCK_RAW, 1)).toBe(`errno ${EAFNOSUPPORT}`);
  expect(sandbox("socket", 17, SOCKET.SOCK_RAW, 0)).toBe(`errno ${EAFNOSUPPORT}`);
  expect(sandbox("socket", SOCKET.AF_NETLINK, SOCKET.SOCK_RAW, 0)).toBe("allow");
});

test("what only an intruder calls ends the process, and so does another table of numbers", () => {
  for (const name of ["execve", "ptrace", "process_vm_readv", "mount", "bpf", "keyctl"] as const) {
    expect([name, of(name)]).toEqual([name, "kill"]);
  }
  expect(verdict(systemCall("read")!, [], 0x40000003)).toBe("kill"); // AUDIT_ARCH_I386
  if (machine() === "x86_64") expect(verdict(SECCOMP.__X32_SYSCALL_BIT)).toBe("kill");
});

test.for([
  { header: "asm/unistd_64.h", column: 0, of: "x64" },
  { header: "asm-generic/unistd.h", column: 1, of: "" },
])("numbers are those of <$header>", ({ header, column, of: arch }, ctx) => {
  if (arch !== "" && process.arch !== arch) return ctx.skip("the headers of another machine");
  const source = `#define __ARCH_WANT_SYS_CLONE3
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SET_GET_RLIMIT
#define __BITS_PER_LONG 64
#include <${header}>
${Object.keys(SYSTEM_CALLS)
  .map((name) => `#ifdef __NR_${name}\nour_${name} = __NR_${name}\n#endif`)
  .join("\n")}`;
  let text: string;
  try {
    text = execFileSync("cc", ["-E", "-P", "-x", "c", "-"], { input: source, encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ctx.skip("no C compiler here");
    throw error;
  }
  const theirs = new Map([...text.matchAll(/our_(\w+) = (\d+)/g)].map((match) => [match[1]!, Number(match[2])]));
  expect(theirs.size).toBeGreaterThan(140);
  for (const [name, number] of theirs) {
    expect([name, SYSTEM_CALLS[name as SystemCallName][column as 0 | 1]]).toEqual([name, number]);
  }
});
