/**
 * The system calls that a ready daemon makes, on Node, Bun and Deno; all others fail with EPERM. No path can be opened,
 * made, changed or removed, no process or program started, no socket made but for UDP. What only an intruder would try
 * ends the process. The lists were taken from runs of every runtime under strace.
 */
import { FILE, INET, PROCESS, SOCKET, TUN } from "../ffi/constants.ts";
import { ENOSYS, EPERM } from "../ffi/errno.ts";
import type { Libc } from "../ffi/libc.ts";
import { type SystemCallName, systemCall } from "../ffi/system-calls.ts";
import { ALLOW, type ArgumentTest, Filter, KILL, refuse } from "./filter.ts";
import { filterArchitecture, installFilter } from "./install-filter.ts";
import { READABLE, SETTABLE } from "./socket-options.ts";

/** The packet path first. */
const ALLOWED: readonly SystemCallName[] = `
  read writev recvmsg sendmsg poll recvmmsg sendmmsg write epoll_wait epoll_pwait epoll_pwait2 futex getrandom
  madvise mmap mprotect munmap mremap brk mincore munlock membarrier pkey_alloc pkey_free pkey_mprotect
  clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
  epoll_create1 epoll_ctl eventfd2 pipe2 ppoll select pselect6 timerfd_create timerfd_settime timerfd_gettime
  readv pread64 pwrite64 lseek fstat newfstatat stat lstat statx access faccessat faccessat2
  close dup dup2 dup3 fsync fdatasync inotify_rm_watch
  accept accept4 bind getpeername getsockname recvfrom sendto shutdown
  exit exit_group restart_syscall rseq set_robust_list sigaltstack wait4 waitid
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait
  sched_getaffinity sched_getparam sched_getscheduler sched_yield getcpu getpriority arch_prctl
  getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getrusage sysinfo uname
`
  .trim()
  .split(/\s+/) as SystemCallName[];

/** A list of the sandbox too, which the runtime starts in. */
export const INTRUDERS: readonly SystemCallName[] = `
  ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd
  mount umount2 pivot_root chroot move_mount open_tree fsopen fsmount fspick mount_setattr unshare setns
  init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl
  bpf perf_event_open userfaultfd keyctl add_key request_key open_by_handle_at name_to_handle_at fanotify_init
  settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname syslog iopl ioperm
`
  .trim()
  .split(/\s+/) as SystemCallName[];

const FIOCLEX = 0x5451; // <asm-generic/ioctls.h>, as the next four
const FIONBIO = 0x5421;
const FIONREAD = 0x541b;
const TCGETS = 0x5401;
const TIOCGWINSZ = 0x5413;
const IOCTLS = [
  TUN.TUNGETIFF,
  TUN.TUNSETOFFLOAD,
  TUN.SIOCGIFMTU,
  TUN.SIOCGIFFLAGS,
  TUN.SIOCGIFINDEX,
  TUN.SIOCGIFNAME,
  ...[FIOCLEX, FIONBIO, FIONREAD, TCGETS, TIOCGWINSZ],
];

const PROCESS_CONTROLS = [
  PROCESS.PR_SET_NAME,
  PROCESS.PR_GET_NAME,
  PROCESS.PR_SET_VMA,
  PROCESS.PR_GET_DUMPABLE,
  PROCESS.PR_GET_NO_NEW_PRIVS,
];

const DATAGRAM_TYPES = [0, SOCKET.SOCK_NONBLOCK, SOCKET.SOCK_CLOEXEC, SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC].map(
  (flags) => SOCKET.SOCK_DGRAM | flags,
);

export interface SeccompOptions {
  /** This process. */
  readonly pid: number;
  /** What a thread reads that tries to open a file. */
  readonly openErrno: number;
}

export function numbers(names: readonly SystemCallName[]): number[] {
  return names.map(systemCall).filter((number) => number !== undefined);
}

/** Threads yes, processes and namespaces no. */
const NAMESPACES =
  PROCESS.CLONE_NEWNS |
  PROCESS.CLONE_NEWCGROUP |
  PROCESS.CLONE_NEWUTS |
  PROCESS.CLONE_NEWIPC |
  PROCESS.CLONE_NEWUSER |
  PROCESS.CLONE_NEWPID |
  PROCESS.CLONE_NEWNET;

/** Not F_SETOWN and F_SETSIG, by which a descriptor signals other processes. */
const DESCRIPTOR_CONTROLS = [
  FILE.F_DUPFD,
  FILE.F_GETFD,
  FILE.F_SETFD,
  FILE.F_GETFL,
  FILE.F_SETFL,
  FILE.F_DUPFD_CLOEXEC,
];

/** Whose first argument is the process that is signalled. */
const SIGNALS = ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"] as const;

/** The filter for this machine. */
export function daemonFilter({ pid, openErrno }: SeccompOptions): Filter {
  const filter = new Filter();
  const denied = refuse(EPERM);
  const is = (argument: number, values: readonly number[]): ArgumentTest => ({ argument, relation: "is", values });
  filter.requireArchitecture(filterArchitecture());
  filter.decide(numbers(ALLOWED), ALLOW);
  filter.allowIf(systemCall("ioctl")!, [[is(1, IOCTLS)]], denied);
  const families = is(0, [SOCKET.AF_INET, SOCKET.AF_INET6]);
  filter.allowIf(
    systemCall("socket")!,
    [[families, is(1, DATAGRAM_TYPES), is(2, [INET.IPPROTO_IP, INET.IPPROTO_UDP])]],
    denied,
  );
  filter.allowIf(systemCall("setsockopt")!, SETTABLE, denied);
  filter.allowIf(systemCall("getsockopt")!, READABLE, denied);
  filter.allowIf(systemCall("fcntl")!, [[is(1, DESCRIPTOR_CONTROLS)]], denied);
  // clone3 hides its flags in memory: without it the C library takes clone.
  const thread = [
    { argument: 0, relation: "has", values: [PROCESS.CLONE_THREAD] },
    { argument: 0, relation: "lacks", values: [NAMESPACES] },
  ] as const;
  filter.allowIf(systemCall("clone")!, [thread], denied);
  filter.decide(numbers(["clone3"]), refuse(ENOSYS));
  filter.allowIf(systemCall("prctl")!, [[is(0, PROCESS_CONTROLS)]], denied);
  for (const name of SIGNALS) filter.allowIf(systemCall(name)!, [[is(0, [pid])]], denied);
  // Limits may be read and lowered, and only this process's.
  filter.allowIf(systemCall("prlimit64")!, [[is(0, [0, pid])]], denied);
  filter.decide(numbers(["open", "openat"]), refuse(openErrno));
  filter.decide(numbers(["execve", "execveat", ...INTRUDERS]), KILL);
  filter.finish(denied);
  return filter;
}

/** Put the filter on every thread; needs no_new_privs, which it sets on every thread too. @returns 0 or −errno */
export function filterSystemCalls(libc: Libc, options: SeccompOptions): number {
  return installFilter(libc, daemonFilter(options), "all");
}
