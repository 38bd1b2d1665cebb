/**
 * The sandbox that the daemon's runtime starts in. Its parent, which ends or becomes the daemon, takes these steps before the
 * runtime is executed: only so every thread of the runtime inherits them, those that JavaScript never sees among them. It
 * leaves what a daemon needs to open its devices; what is left after that, linux.ts takes away.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROCESS, SOCKET } from "../ffi/constants.ts";
import { EAFNOSUPPORT, ENOSYS, EPERM } from "../ffi/errno.ts";
import type { Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";
import { boundTo, type Capability } from "./capabilities.ts";
import { ignoreDebugSignal } from "./debug-signal.ts";
import { ALLOW, Filter, refuse } from "./filter.ts";
import { filterArchitecture, installFilter } from "./install-filter.ts";
import { DEVICE, type PathRule, READ, restrictTo, SOCKETS, WRITE } from "./landlock.ts";
import { loadedFiles } from "./loaded-files.ts";
import { INTRUDERS, numbers } from "./seccomp.ts";
import type { Steps } from "./steps.ts";

/** What root's daemon needs to start: for sockets and their directory, its user, its priority, its memory, the network. */
const CAPABILITIES: readonly Capability[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
];

/** Programs, libraries, what the system says of itself; where NixOS, Guix and Snap keep theirs. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", "/snap", "/sys"];
const SETTINGS = [
  "passwd",
  "group",
  "nsswitch.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "ld-musl-x86_64.path",
];
const MORE_SETTINGS = ["ld-musl-aarch64.path", "localtime", "alternatives", "os-release"];
const DEVICES = ["/dev/null", "/dev/net", "/dev/urandom", "/dev/random", "/dev/zero"];

export interface SandboxOptions {
  /** Directories in which sockets are made and removed; one that is missing is made if it can be. */
  readonly socketDirectories: readonly string[];
  /** Files that the daemon reads beside its own. */
  readonly files: readonly string[];
  /** A TCP port on which metrics are served. */
  readonly tcpServer: "yes" | "no";
}

/** The outermost directory that this program's packages may be in: modules look for each other there. */
function packageDirectory(): string {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const own = basename(root) === "dist" ? dirname(root) : root;
  for (let at = own, found = own; ; at = dirname(at)) {
    if (basename(at) === "node_modules") found = at;
    if (at === dirname(at)) return found;
  }
}

function pathRules({ socketDirectories, files }: SandboxOptions): PathRule[] {
  const executable = realpathSync(process.execPath);
  const settings = [...SETTINGS, ...MORE_SETTINGS].map((name) => `/etc/${name}`);
  // Deno's packages may lie in its cache.
  const cache = process.env.DENO_DIR ?? (process.env.HOME && join(process.env.HOME, ".cache/deno"));
  // What lies below a directory that may be read needs no rule; the kernel tells of loaded files by their real paths.
  const loaded = loadedFiles().filter(
    (path) => path !== executable && !SYSTEM.some((root) => path.startsWith(`${root}/`)),
  );
  const read = [
    ...SYSTEM,
    ...settings,
    packageDirectory(),
    ...files,
    executable,
    join(dirname(executable), "../lib"),
    ...loaded,
  ];
  if ("Deno" in globalThis && cache) read.push(cache);
  return [
    ...read.map((path) => ({ path, access: READ })),
    ...DEVICES.map((path) => ({ path, access: DEVICE })),
    // The tunnel's settings, and this process's own place among others. (What root alone may write there, the user that
    // the daemon becomes may not.)
    { path: "/proc", access: READ | WRITE },
    ...socketDirectories.map((path) => ({ path, access: SOCKETS })),
  ];
}

/** A missing directory cannot be the place of a rule. */
function makeDirectories(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      if (!existsSync(path)) mkdirSync(path, { mode: 0o755 });
    } catch {
      // Whoever needs it says so.
    }
  }
}

const DATAGRAM_OR_STREAM = [SOCKET.SOCK_STREAM, SOCKET.SOCK_DGRAM].flatMap((type) =>
  [0, SOCKET.SOCK_NONBLOCK, SOCKET.SOCK_CLOEXEC, SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC].map(
    (flags) => type | flags,
  ),
);

/** All but what no part of the daemon needs at any time. */
export function sandboxFilter(): Filter {
  const filter = new Filter();
  filter.requireArchitecture(filterArchitecture());
  filter.decideBy(
    systemCall("rt_sigaction")!,
    [[{ argument: 0, relation: "is", values: [PROCESS.SIGUSR1] }]],
    refuse(0), // "done", but it is not: it stays ignored
    ALLOW,
  );
  // A ring does what system calls are refused. Runtimes do without where the kernel has none.
  filter.decide(numbers(["io_uring_setup", "io_uring_enter", "io_uring_register"]), refuse(ENOSYS));
  filter.decide(numbers(INTRUDERS), refuse(EPERM));
  filter.allowIf(
    systemCall("socket")!,
    [
      [{ argument: 0, relation: "is", values: [SOCKET.AF_UNIX, SOCKET.AF_NETLINK] }],
      [
        { argument: 0, relation: "is", values: [SOCKET.AF_INET, SOCKET.AF_INET6] },
        { argument: 1, relation: "is", values: DATAGRAM_OR_STREAM },
      ],
    ],
    refuse(EAFNOSUPPORT),
  );
  filter.finish(ALLOW);
  return filter;
}

/**
 * Confine the calling thread, and with it the program that it becomes or starts next. There is no way back, and the runtime
 * that calls this must not wait for anything through its event loop any more.
 */
export function enterSandbox(libc: Libc, options: SandboxOptions, steps: Steps): void {
  makeDirectories(options.socketDirectories);
  const rules = pathRules(options);
  ignoreDebugSignal(libc);
  // Without CAP_SETPCAP it cannot; then it hardly has others.
  boundTo(libc, CAPABILITIES);
  steps.took("no-new-privs", libc.prctl(PROCESS.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  steps.took("landlock", restrictTo(libc, rules, options.tcpServer === "yes" ? "TCP servers" : "no TCP"));
  steps.took("seccomp", installFilter(libc, sandboxFilter(), "this"));
}
