/**
 * What an intruder tries in a thread of a confined daemon, and what comes of it. Where a whole range is tried (all system
 * calls, all families of sockets, all options), the outcome is the list of what was allowed.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { INTRUDERS } from "../../../host/confine/seccomp.ts";
import { INET, NETLINK, PROCESS, SOCKET, TUN } from "../../../host/ffi/constants.ts";
import { SYSTEM_CALLS, type SystemCallName, systemCall } from "../../../host/ffi/system-calls.ts";
import type { InjectedThread } from "./injection.ts";

/** By attempt: "allowed", "refused", or what of a range was allowed. */
export type Outcomes = Record<string, string>;

const EPERM = 1;
const EBADF = 9;
const EAGAIN = 11;
const EACCES = 13;
const EINVAL = 22;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const REFUSALS = new Set([EPERM, EACCES, ENOSYS, EAFNOSUPPORT].map((errno) => -errno));
/** Of all kernels so far. */
const LAST_CALL = 480;

/** uretprobe and uprobe, which the kernel lets past every filter, and which do something only where it put them itself. */
const PROBES = new Set([335, 336]);

/** They end or stop the thread, whoever may call them. */
const NOT_TRIED = new Set<SystemCallName>(["exit", "exit_group", "rt_sigreturn", "rt_sigsuspend", "restart_syscall"]);
const DEADLY = new Set<SystemCallName>(["execve", "execveat", ...INTRUDERS]);

const nr = (name: SystemCallName): number => systemCall(name)!;
const verdict = (result: number): string => (REFUSALS.has(result) ? "refused" : "allowed");
const listed = (names: readonly (string | number)[]): string => names.join(" ") || "none";

const names = new Map(Object.entries(SYSTEM_CALLS).map(([name]) => [systemCall(name as SystemCallName), name]));

/** Every number with arguments that nothing can be done with. Those that a filter judges by arguments are refused here. */
function systemCalls(thread: InjectedThread): string {
  const allowed: string[] = [];
  for (let number = 0; number <= LAST_CALL; number++) {
    const name = names.get(number) as SystemCallName | undefined;
    if (name !== undefined && (NOT_TRIED.has(name) || DEADLY.has(name))) continue;
    if (name === "open" || name === "openat" || PROBES.has(number)) continue;
    // futex knows no operation −1, and says ENOSYS.
    const second = name === "futex" ? 1 : -1;
    if (!REFUSALS.has(thread.call(number, -1, second, -1, -1, -1, -1))) allowed.push(name ?? `${number}`);
  }
  return listed(allowed.sort());
}

const FAMILIES_MAX = 46;
const TYPES: readonly [name: string, type: number][] = [
  ["stream", 1],
  ["datagram", 2],
  ["raw", 3],
  ["rdm", 4],
  ["seqpacket", 5],
  ["dccp", 6],
  ["packet", 10],
];
/** Of IP: none, ICMP, TCP, UDP, DCCP, ICMPv6, SCTP, UDP-Lite, raw, MPTCP. The first 22 are netlink's. */
const PROTOCOLS = [...Array.from({ length: 23 }, (_, i) => i), 33, 58, 132, 136, 255, 262];

const FEW_PROTOCOLS = [0, 1, 3, 255];

function sockets(thread: InjectedThread): string {
  const allowed: string[] = [];
  for (let family = 0; family <= FAMILIES_MAX; family++) {
    const many = family === SOCKET.AF_INET || family === SOCKET.AF_INET6 || family === SOCKET.AF_NETLINK;
    for (const [name, type] of TYPES) {
      for (const protocol of many ? PROTOCOLS : FEW_PROTOCOLS) {
        const fd = thread.call(nr("socket"), family, type, protocol);
        if (fd >= 0) thread.call(nr("close"), fd);
        if (fd >= 0 || !REFUSALS.has(fd)) allowed.push(`family ${family} ${name} protocol ${protocol}`);
      }
    }
  }
  return allowed
    .map((text) => text.replace(`family ${SOCKET.AF_INET} `, "IPv4 ").replace(`family ${SOCKET.AF_INET6} `, "IPv6 "))
    .join(", ");
}

const LEVELS: readonly [name: string, level: number][] = [
  ["SOL_SOCKET", SOCKET.SOL_SOCKET],
  ["IP", INET.IPPROTO_IP],
  ["IPv6", INET.IPPROTO_IPV6],
  ["TCP", INET.IPPROTO_TCP],
  ["UDP", INET.IPPROTO_UDP],
  ["netlink", NETLINK.SOL_NETLINK],
];
const MORE_LEVELS = [58, 132, 136, 255, 263, 269, 271, 273, 279, 280, 282, 283, 284, 285];
const OPTIONS_MAX = 130;

/** On descriptor −1: whoever gets past the filter is told that it is none. */
function options(thread: InjectedThread, call: "setsockopt" | "getsockopt"): string {
  const groups: string[] = [];
  for (const [name, level] of [...LEVELS, ...MORE_LEVELS.map((level) => [`level ${level}`, level] as const)]) {
    const allowed: number[] = [];
    for (let option = 0; option <= OPTIONS_MAX; option++) {
      if (thread.call(nr(call), -1, level, option, 0, 0) === -EBADF) allowed.push(option);
    }
    if (allowed.length > 0) groups.push(`${name} ${allowed.join(" ")}`);
  }
  return listed(groups.map((text) => `${text};`));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Terminals, sockets and interfaces, TUN devices in every direction and size, files. */
const IOCTLS = [
  ...range(0x5400, 0x54ff),
  ...range(0x8900, 0x8aff),
  ...[0x400454, 0x800454, 0xc00454, 0x401054, 0x801054, 0x000054].flatMap((prefix) =>
    range(0xc0, 0xff).map((n) => prefix * 256 + n),
  ),
  ...range(0x6600, 0x66ff),
  ...range(0x1200, 0x12ff),
  ...range(0xaf00, 0xafff),
];
const hex = (number: number): string => `0x${number.toString(16)}`;

function ioctls(thread: InjectedThread): string {
  const known = new Map<number, string>(Object.entries(TUN).map(([name, value]) => [value, name]));
  const allowed = IOCTLS.filter((request) => thread.call(nr("ioctl"), -1, request, 0) === -EBADF);
  return listed(allowed.map((request) => known.get(request) ?? hex(request)));
}

const FCNTL_MAX = 1050;
const PRCTL_MAX = 80;

function fcntls(thread: InjectedThread): string {
  return listed(range(0, FCNTL_MAX).filter((command) => thread.call(nr("fcntl"), -1, command, 0) === -EBADF));
}

function prctls(thread: InjectedThread): string {
  const commands = [...range(0, PRCTL_MAX), PROCESS.PR_SET_VMA, 0x59616d61, 0x41555856];
  return listed(
    commands.filter((command) => !REFUSALS.has(thread.call(nr("prctl"), command, -1, -1, -1, -1))).map(hex),
  );
}

// ── netlink ────────────────────────────────────────────────────────────────────────────────────────────────────

const ACKNOWLEDGE = 4;
const CREATE = 0x400;
const MESSAGE_BYTES = 16;

function netlinkDescriptors(pid: number): number[] {
  const inodes = new Set(
    readFileSync(`/proc/${pid}/net/netlink`, "latin1")
      .trim()
      .split("\n")
      .map((line) => `socket:[${line.trim().split(/\s+/).at(-1)}]`),
  );
  return readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .filter((fd) => inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
}

/** A message whose body asks for the loopback interface, or a route to nowhere. */
function netlinkMessage(type: number): Buffer {
  const body = Buffer.alloc(type >= NETLINK.RTM_NEWROUTE ? 12 : 16);
  if (type >= NETLINK.RTM_NEWADDR) body[0] = SOCKET.AF_INET;
  if (type < NETLINK.RTM_NEWADDR) {
    body.writeInt32LE(1, 4); // lo
    body.writeUInt32LE(1, 12); // its state changes: down
  } else if (type < NETLINK.RTM_NEWROUTE) {
    body.writeInt32LE(1, 4);
  } else body.set([254, 3, 0, 1], 4); // table main, static, everywhere, unicast
  const header = Buffer.alloc(MESSAGE_BYTES);
  header.writeUInt32LE(MESSAGE_BYTES + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(NETLINK.NLM_F_REQUEST | ACKNOWLEDGE | CREATE, 6);
  header.writeUInt32LE(0x696e7472, 8);
  return Buffer.concat([header, body]);
}

/** Every message that changes something of the network: its type modulo 4 is not 2. */
function netlinkWrites(thread: InjectedThread, pid: number): string {
  const allowed: string[] = [];
  for (const fd of netlinkDescriptors(pid)) {
    for (const type of range(NETLINK.RTM_NEWLINK, 123).filter((number) => number % 4 !== 2)) {
      const message = netlinkMessage(type);
      const written = thread.call(nr("write"), fd, thread.put(message), message.length);
      if (written < 0) continue;
      const answer = readAnswer(thread, fd);
      // Without the right, the kernel says EPERM before it looks at anything; EOPNOTSUPP: it knows no such message.
      if (answer !== undefined && answer !== -EPERM && answer !== -95) allowed.push(`message ${type}: ${answer}`);
    }
  }
  return listed(allowed);
}

function readAnswer(thread: InjectedThread, fd: number): number | undefined {
  for (let i = 0; i < 32; i++) {
    const length = thread.call(nr("recvfrom"), fd, thread.page + 8192n, 8192, SOCKET.MSG_DONTWAIT, 0, 0);
    if (length <= 0) return undefined;
    const answer = thread.get(8192, length);
    if (answer.readUInt16LE(4) === NETLINK.NLMSG_ERROR && answer.readUInt32LE(8) === 0x696e7472) {
      return answer.readInt32LE(MESSAGE_BYTES);
    }
  }
  return undefined;
}

// ── one by one ─────────────────────────────────────────────────────────────────────────────────────────────────

const UDP = SOCKET.SOCK_DGRAM;

function address(port: number, host: readonly number[]): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(SOCKET.AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(host, 4);
  return bytes;
}

function withSocket(thread: InjectedThread, action: (fd: number) => number): string {
  const fd = thread.call(nr("socket"), SOCKET.AF_INET, UDP, 0);
  if (fd < 0) return "refused";
  try {
    return verdict(action(fd));
  } finally {
    thread.call(nr("close"), fd);
  }
}

/** A datagram with a control message, which no filter sees into. */
function sendWith(thread: InjectedThread, fd: number, level: number, type: number, data: Buffer): number {
  const control = Buffer.alloc(16 + ((data.length + 7) & ~7));
  control.writeBigUInt64LE(BigInt(16 + data.length), 0);
  control.writeInt32LE(level, 8);
  control.writeInt32LE(type, 12);
  control.set(data, 16);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(thread.put(address(9, [127, 0, 0, 1]), 512), 0);
  message.writeUInt32LE(16, 8);
  message.writeBigUInt64LE(thread.put(control, 1024), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  return thread.call(nr("sendmsg"), fd, thread.put(message), 0);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function setInt(thread: InjectedThread, fd: number, level: number, option: number, value: number): number {
  return thread.call(nr("setsockopt"), fd, level, option, thread.put(word(value)), 4);
}

const IP_RETOPTS = 7;
/** Through 127.0.0.1, padded (RFC 791, section 3.1). */
const LOOSE_SOURCE_ROUTE = Buffer.from([131, 7, 4, 127, 0, 0, 1, 0]);
const IP_TRANSPARENT = 19;
const SO_BINDTODEVICE = 25;
const SIGCHLD = 17;
const FILES = { file: "/etc/passwd", memory: "/proc/self/mem", sysctl: "/proc/sys/net/ipv4/ip_forward" };
const WRITE = 1;
const CREATE_FILE = 0o101;

/** @param victim  another process of the daemon's user */
export function tryAll(thread: InjectedThread, pid: number, victim: number): Outcomes {
  const call = (name: SystemCallName, ...args: (number | bigint)[]): string => {
    const result = thread.call(nr(name), ...args);
    return result === -EAGAIN && name.startsWith("open") ? "refused" : verdict(result);
  };
  const text = (value: string): bigint => thread.put(value);
  const information = thread.put(Buffer.alloc(128), 4096);
  return {
    "system calls": systemCalls(thread),
    "sockets: families 0–46, 7 types, up to 29 protocols": sockets(thread),
    "setsockopt: 20 levels, options 0–130": options(thread, "setsockopt"),
    "getsockopt: 20 levels, options 0–130": options(thread, "getsockopt"),
    "ioctl: terminals, interfaces, TUN, files": ioctls(thread),
    "fcntl: 0–1050": fcntls(thread),
    "prctl: 0–80 and those with long numbers": prctls(thread),
    "io_uring: a ring for any of its operations": verdict(thread.call(nr("io_uring_setup"), 8, information)),
    "netlink: messages that change something": netlinkWrites(thread, pid),
    "open a file for reading": call("openat", -100, text(FILES.file), 0, 0),
    "open a file for writing": call("openat", -100, text("/tmp/wasmguard-intruder"), CREATE_FILE, 0o600),
    "open /proc/self/mem": call("openat", -100, text(FILES.memory), 2, 0),
    "open a sysctl for writing": call("openat", -100, text(FILES.sysctl), WRITE, 0),
    "see that a file exists": call("faccessat", -100, text(FILES.file), 0),
    "start a process": call("clone", SIGCHLD),
    "a thread in a network namespace of its own": call("clone", PROCESS.CLONE_THREAD | 0x900 | PROCESS.CLONE_NEWNET),
    "signal another process (kill)": call("kill", victim, 0),
    "signal another process (tgkill)": call("tgkill", victim, victim, 0),
    "signal another process (tkill)": call("tkill", victim, 0),
    "signal another process (rt_sigqueueinfo)": call("rt_sigqueueinfo", victim, 0, information),
    "signal another process (rt_tgsigqueueinfo)": call("rt_tgsigqueueinfo", victim, victim, 0, information),
    "signal another process (pidfd)": call("pidfd_open", victim, 0),
    "signal all processes": call("kill", -1, 0),
    "handle SIGUSR1":
      thread.call(nr("rt_sigaction"), PROCESS.SIGUSR1, 0, information, 8) < 0 ? "refused" : handled(thread),
    "mark packets (SO_MARK)": withSocket(thread, (fd) => setInt(thread, fd, SOCKET.SOL_SOCKET, SOCKET.SO_MARK, 7)),
    "mark a packet in a control message": withSocket(thread, (fd) =>
      sendWith(thread, fd, SOCKET.SOL_SOCKET, SOCKET.SO_MARK, word(7)),
    ),
    "IP options in a control message": withSocket(thread, (fd) =>
      sendWith(thread, fd, INET.IPPROTO_IP, IP_RETOPTS, LOOSE_SOURCE_ROUTE),
    ),
    "UDP from another machine's address": withSocket(thread, (fd) => {
      const source = Buffer.concat([word(0), Buffer.from([203, 0, 113, 77]), word(0)]);
      const result = sendWith(thread, fd, INET.IPPROTO_IP, INET.IP_PKTINFO, source);
      return result === -EINVAL ? -EPERM : result;
    }),
    "buffers beyond the limit": withSocket(thread, (fd) =>
      setInt(thread, fd, SOCKET.SOL_SOCKET, SOCKET.SO_RCVBUFFORCE, 1 << 20),
    ),
    IP_TRANSPARENT: withSocket(thread, (fd) => setInt(thread, fd, INET.IPPROTO_IP, IP_TRANSPARENT, 1)),
    "bind to a device": withSocket(thread, (fd) => setInt(thread, fd, SOCKET.SOL_SOCKET, SO_BINDTODEVICE, 1)),
    "UDP port below 1024": withSocket(thread, (fd) =>
      thread.call(nr("bind"), fd, thread.put(address(843, [0, 0, 0, 0])), 16),
    ),
    "UDP to anywhere": withSocket(thread, (fd) =>
      thread.call(nr("sendto"), fd, thread.page, 1, 0, thread.put(address(9, [127, 0, 0, 1]), 64), 16),
    ),
    "executable memory": call("mmap", 0, 4096, 7, 0x22, -1, 0),
  };
}

/** Under the sandbox's filter the kernel says "done" and does nothing: the handler that it tells is what was there. */
function handled(thread: InjectedThread): string {
  thread.put(Buffer.alloc(32, 0xa5), 4096);
  thread.call(nr("rt_sigaction"), PROCESS.SIGUSR1, 0, thread.page + 4096n, 8);
  return thread.get(4096, 8).every((byte) => byte === 0xa5) ? "refused" : "allowed";
}

/** Deno reads its cache of analysed sources where it has one: whether it is open depends on what ran before. */
const DENO_CACHE = /\/(dep|node)_analysis_cache/;

/** What the daemon has open, by kind. */
export function openDescriptors(pid: number): string[] {
  const kinds = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (DENO_CACHE.test(target)) return [];
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1"))![1]!, 8);
    const mode = ["read", "write", "read and write"][flags & 3];
    if (target.startsWith("socket:")) return `${socketKind(pid, target)} socket`;
    if (target.startsWith("pipe:")) return "pipe";
    if (target.startsWith("anon_inode:")) return target.slice("anon_inode:".length).replace(/[[\]]/g, "");
    const path = target.replace(/^.*\/([^/]+\.log)$/, "the log");
    return `${path} (${mode})`;
  });
  return [...new Set(kinds)].sort();
}

function socketKind(pid: number, target: string): string {
  const inode = target.slice("socket:[".length, -1);
  for (const table of ["udp", "udp6", "tcp", "tcp6", "netlink", "unix", "raw", "packet"]) {
    const lines = readFileSync(`/proc/${pid}/net/${table}`, "latin1").split("\n");
    if (lines.some((line) => line.trim().split(/\s+/).includes(inode)))
      return table.replace("udp6", "udp").replace("tcp6", "tcp");
  }
  return "unbound udp";
}
