/**
 * The system calls that a ready daemon makes, on Node, Bun and Deno; all others fail with EPERM. No path can be opened,
 * made, changed or removed, no process or program started, no socket made but for UDP. What only an intruder would try
 * ends the process. The lists were taken from runs of every runtime under strace.
 */
import { PROCESS, SECCOMP, SOCKET, TUN } from "../ffi/constants.ts";
import { ENOSYS, EPERM } from "../ffi/errno.ts";
import { SOCK_FPROG } from "../ffi/layout.ts";
import { type Libc, SCRATCH_BYTES } from "../ffi/libc.ts";
import { type SystemCallName, systemCall } from "../ffi/system-calls.ts";
import { machine } from "../io/platform.ts";
import { Filter, KILL, refuse } from "./filter.ts";

/** The packet path first. */
const ALLOWED: readonly SystemCallName[] = `
  read writev recvmsg sendmsg poll recvmmsg sendmmsg write epoll_wait epoll_pwait epoll_pwait2 futex getrandom
  madvise mmap mprotect munmap mremap brk mincore munlock membarrier pkey_alloc pkey_free pkey_mprotect
  clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
  epoll_create1 epoll_ctl eventfd2 pipe2 ppoll select pselect6 timerfd_create timerfd_settime timerfd_gettime
  readv pread64 pwrite64 lseek fstat newfstatat stat lstat statx access faccessat faccessat2
  close dup dup2 dup3 fcntl fsync fdatasync inotify_rm_watch
  accept accept4 bind connect getpeername getsockname getsockopt recvfrom sendto setsockopt shutdown
  exit exit_group restart_syscall rseq set_robust_list sigaltstack tgkill wait4 waitid pidfd_open
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  sched_getaffinity sched_getparam sched_getscheduler sched_yield getcpu getpriority arch_prctl
  getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getrusage sysinfo uname
`
  .trim()
  .split(/\s+/) as SystemCallName[];

const DEADLY: readonly SystemCallName[] = `
  execve execveat ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd
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
  /** The runtime's event loop waits through an io_uring that it has made: Node's does, whatever UV_USE_IO_URING says. No new one can be made. */
  readonly ring: "in use" | "none";
  /** What a thread reads that tries to open a file. */
  readonly openErrno: number;
}

function numbers(names: readonly SystemCallName[]): number[] {
  return names.map(systemCall).filter((number) => number !== undefined);
}

/** The filter for this machine. */
export function daemonFilter({ pid, ring, openErrno }: SeccompOptions): Filter {
  const filter = new Filter();
  const denied = refuse(EPERM);
  filter.requireArchitecture(machine() === "aarch64" ? SECCOMP.AUDIT_ARCH_AARCH64 : SECCOMP.AUDIT_ARCH_X86_64);
  filter.decide(numbers(ALLOWED), SECCOMP.SECCOMP_RET_ALLOW);
  if (ring === "in use") filter.decide(numbers(["io_uring_enter"]), SECCOMP.SECCOMP_RET_ALLOW);
  filter.allowIf(systemCall("ioctl")!, [{ argument: 1, relation: "is", values: IOCTLS }], denied);
  const families = [SOCKET.AF_INET, SOCKET.AF_INET6];
  filter.allowIf(
    systemCall("socket")!,
    [
      { argument: 0, relation: "is", values: families },
      { argument: 1, relation: "is", values: DATAGRAM_TYPES },
    ],
    denied,
  );
  // Threads yes, processes no. clone3 hides its flags in memory: without it the C library takes clone.
  filter.allowIf(systemCall("clone")!, [{ argument: 0, relation: "has", values: [PROCESS.CLONE_THREAD] }], denied);
  filter.decide(numbers(["clone3"]), refuse(ENOSYS));
  filter.allowIf(systemCall("prctl")!, [{ argument: 0, relation: "is", values: PROCESS_CONTROLS }], denied);
  filter.allowIf(systemCall("kill")!, [{ argument: 0, relation: "is", values: [pid] }], denied);
  // Limits may be read and lowered, and only this process's.
  filter.allowIf(systemCall("prlimit64")!, [{ argument: 0, relation: "is", values: [0, pid] }], denied);
  filter.decide(numbers(["open", "openat"]), refuse(openErrno));
  filter.decide(numbers(DEADLY), KILL);
  filter.finish(denied);
  return filter;
}

/** Put the filter on every thread; needs no_new_privs, which it sets on every thread too. @returns 0 or −errno */
export function filterSystemCalls(libc: Libc, options: SeccompOptions): number {
  const filter = daemonFilter(options);
  const { view, at } = libc.scratch;
  const program = SOCK_FPROG.BYTES;
  if (program + filter.length * 8 > SCRATCH_BYTES) throw new RangeError("the filter is too long");
  filter.write(view, program);
  view.setUint16(SOCK_FPROG.length, filter.length, true);
  view.setBigUint64(SOCK_FPROG.filter, BigInt(libc.pointer(at(program))), true);
  const { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC } = SECCOMP;
  const number = systemCall("seccomp")!;
  const result = libc.systemCall(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, libc.pointer(at(0)));
  // Above zero: the thread that could not be brought in line.
  return result > 0 ? -EPERM : result;
}
