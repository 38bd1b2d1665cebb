/**
 * The C library of Linux, as one small typed interface over the FFI of whichever runtime this is.
 * One Libc per thread: errno and the scratch buffer are the thread's own.
 */
import { FfiUnavailableError, PlatformError, SystemError } from "../errors.ts";
import { machine, platform, runtimeName, systemName } from "../platform.ts";
import { pickBackend } from "./backend.ts";
import { NULL, Posix } from "./posix.ts";
import { type Backend, type Calls, linuxLibrary, type Use } from "./signatures.ts";

/** More than a posix_spawn_file_actions_t takes in glibc (80) and musl (80). */
export const SPAWN_ACTIONS_BYTES = 256;
/** More than a posix_spawnattr_t takes in glibc (336) and musl (336). */
export const SPAWN_ATTRIBUTES_BYTES = 512;

/** @throws PlatformError, FfiUnavailableError */
export async function openLibc(memory: WebAssembly.Memory, use: Use = "packets"): Promise<Libc> {
  const arch = machine();
  if (platform() !== "linux" || arch === undefined) throw new PlatformError(systemName());
  try {
    backend ??= pickBackend(linuxLibrary(arch));
    return new Libc(await backend, memory, use);
  } catch (error) {
    throw new FfiUnavailableError(runtimeName(), error);
  }
}

/** Of this thread, for all devices that a process embeds. Where there is none, that is not tried again: modules that are missing take long. */
let backend: Promise<Backend> | undefined;

/** Pass a result through; turn −errno into a SystemError. For calls off the packet path. */
export function check(syscall: string, result: number, subject = ""): number {
  if (result < 0) throw new SystemError(syscall, -result, subject);
  return result;
}

export class Libc extends Posix<Calls> {
  readonly #trimHeap: () => void;

  constructor(backend: Backend, memory: WebAssembly.Memory, use: Use) {
    super(backend, memory, use, backend.errno);
    this.#trimHeap = () => backend.trimHeap?.();
  }

  // Packet path: no allocation, no exception.

  /** The kernel's msg_len is not to be relied on: a single message goes out by sendmsg. */
  sendmmsg(fd: number, messages: number, count: number, flags: number): number {
    // A mmsghdr starts with a msghdr, and of three arguments Node's FFI makes no array.
    if (count === 1) return this.c.sendmsg(fd, messages, flags) < 0 ? -this.errno() : 1;
    const n = this.c.sendmmsg(fd, messages, count, flags);
    return n < 0 ? -this.errno() : n;
  }
  recvmmsg(fd: number, messages: number, count: number, flags: number): number {
    const n = this.c.recvmmsg(fd, messages, count, flags, NULL);
    return n < 0 ? -this.errno() : n;
  }
  /** @param timespec address of one; poll counts in milliseconds, this in nanoseconds */
  ppoll(list: number, count: number, timespec: number): number {
    const n = this.c.ppoll(list, count, timespec, NULL);
    return n < 0 ? -this.errno() : n;
  }
  epollWait(fd: number, events: number, capacity: number, timeoutMs: number): number {
    const n = this.c.epoll_wait(fd, events, capacity, timeoutMs);
    return n < 0 ? -this.errno() : n;
  }

  // Descriptors and files.

  open(path: number, flags: number, mode: number): number {
    return this.result(this.c.open(path, flags, mode));
  }
  fcntl(fd: number, command: number, value: number): number {
    return this.result(this.c.fcntl(fd, command, value));
  }
  /** ioctl whose third argument is the address of a struct. */
  ioctl(fd: number, request: number, address: number): number {
    return this.result(this.c.ioctl(fd, request, Number(this.base) + address));
  }
  /** ioctl whose third argument is a plain value. */
  ioctlValue(fd: number, request: number, value: number): number {
    return this.result(this.c.ioctl(fd, request, value));
  }
  access(path: number, mode: number): number {
    return this.result(this.c.access(path, mode));
  }

  // Sockets.

  accept4(fd: number, address: number, length: number, flags: number): number {
    return this.result(this.c.accept4(fd, address, length, flags));
  }

  // Waiting.

  epollCreate1(flags: number): number {
    return this.result(this.c.epoll_create1(flags));
  }
  epollCtl(fd: number, operation: number, target: number, event: number): number {
    return this.result(this.c.epoll_ctl(fd, operation, target, event));
  }
  eventfd(initial: number, flags: number): number {
    return this.result(this.c.eventfd(initial, flags));
  }
  inotifyInit1(flags: number): number {
    return this.result(this.c.inotify_init1(flags));
  }
  inotifyAddWatch(fd: number, path: number, mask: number): number {
    return this.result(this.c.inotify_add_watch(fd, path, mask));
  }

  // Process and memory.

  kill(pid: number, signal: number): number {
    return this.result(this.c.kill(pid, signal));
  }
  getrandom(address: number, length: number, flags: number): number {
    return this.result(this.c.getrandom(address, length, flags));
  }
  madvise(address: number, length: number, advice: number): number {
    return this.result(this.c.madvise(address, length, advice));
  }
  prctl(option: number, a: number, b: number, c: number, d: number): number {
    return this.result(this.c.prctl(option, a, b, c, d));
  }
  /** A system call that has no function in older C libraries. Addresses must come from `pointer`. */
  systemCall(number: number, a = 0, b = 0, c = 0, d = 0, e = 0): number {
    return this.result(this.c.syscall(number, a, b, c, d, e));
  }
  /** Give the kernel back what the C library's heap has free, where that can be told it. */
  trimHeap(): void {
    this.#trimHeap();
  }
  pipe2(descriptors: number, flags: number): number {
    return this.result(this.c.pipe2(descriptors, flags));
  }
  /** Begin a list of what posix_spawn does with descriptors. @param actions SPAWN_ACTIONS_BYTES */
  spawnActionsInit(actions: number): void {
    this.c.posix_spawn_file_actions_init(actions);
  }
  /** The child's descriptor `to` is this process's `from`. */
  spawnActionsDup2(actions: number, from: number, to: number): void {
    this.c.posix_spawn_file_actions_adddup2(actions, from, to);
  }
  /** @param attributes SPAWN_ATTRIBUTES_BYTES  @param flags POSIX_SPAWN_… */
  spawnAttributesInit(attributes: number, flags: number): void {
    this.c.posix_spawnattr_init(attributes);
    this.c.posix_spawnattr_setflags(attributes, flags);
  }
  /** Start a program. @param pid receives its number @returns 0 or −errno */
  spawn(pid: number, path: number, actions: number, attributes: number, argv: number, environment: number): number {
    return -this.c.posix_spawn(pid, path, actions, attributes, argv, environment);
  }

  // Identity: the C library changes it on every thread of the process.

  setgroups(count: number, list: number): number {
    return this.result(this.c.setgroups(count, list));
  }
  setresgid(real: number, effective: number, saved: number): number {
    return this.result(this.c.setresgid(real, effective, saved));
  }
  setresuid(real: number, effective: number, saved: number): number {
    return this.result(this.c.setresuid(real, effective, saved));
  }
}
