/**
 * What the C libraries of Linux and macOS have alike. Addresses are byte offsets in the core's linear memory, which system calls then read and
 * write directly. Every function returns C's result, or −errno in Linux's numbers; none throws (see `check` of libc.ts for cold paths).
 */
import { openScratch, type Scratch, writeText } from "./scratch.ts";
import type { Backend, Call, Use } from "./signatures.ts";

/** NULL, where an address is expected: offset 0 of linear memory is never handed out. */
export const NULL = 0;

type Alike =
  | (
      | "bind"
      | "clock_gettime"
      | "close"
      | "connect"
      | "getsockname"
      | "getsockopt"
      | "listen"
      | "mkdir"
      | "poll"
      | "read"
    )
  | ("recvmsg" | "sched_yield" | "setsockopt" | "socket" | "umask" | "unlink" | "write" | "writev");

/** `C`: all functions that a system's library has. */
export class Posix<C extends Record<Alike, Call>> {
  readonly backend: Backend["name"];
  readonly memory: WebAssembly.Memory;
  /** Machine address of linear memory. The same in every thread; does not move when memory grows. */
  readonly base: bigint;
  readonly scratch: Scratch;
  protected readonly c: C;
  /** Of the call before, in Linux's numbers. */
  protected readonly errno: () => number;

  constructor(
    backend: Pick<Backend, "name" | "addressOf"> & { bind(base: bigint, use: Use): C },
    memory: WebAssembly.Memory,
    use: Use,
    errno: () => number,
  ) {
    this.backend = backend.name;
    this.memory = memory;
    this.base = backend.addressOf(new Uint8Array(memory.buffer));
    this.scratch = openScratch(this.base, backend.addressOf);
    this.c = backend.bind(this.base, use);
    this.errno = errno;
  }

  /** Write a NUL-terminated string into the scratch buffer. @returns its address */
  text(value: string, position = 0): number {
    return writeText(this.scratch, value, position);
  }

  /** Machine address of an offset, for structs that hold addresses. */
  pointer(address: number): number {
    return address === NULL ? 0 : Number(this.base) + address;
  }

  protected result(value: number): number {
    return value < 0 ? -this.errno() : value;
  }

  // Packet path: no allocation, no exception.

  read(fd: number, address: number, length: number): number {
    const n = this.c.read(fd, address, length);
    return n < 0 ? -this.errno() : n;
  }
  write(fd: number, address: number, length: number): number {
    const n = this.c.write(fd, address, length);
    return n < 0 ? -this.errno() : n;
  }
  writev(fd: number, gather: number, count: number): number {
    const n = this.c.writev(fd, gather, count);
    return n < 0 ? -this.errno() : n;
  }
  /** @returns bytes, while recvmmsg counts messages */
  recvmsg(fd: number, message: number, flags: number): number {
    const n = this.c.recvmsg(fd, message, flags);
    return n < 0 ? -this.errno() : n;
  }
  poll(list: number, count: number, timeoutMs: number): number {
    const n = this.c.poll(list, count, timeoutMs);
    return n < 0 ? -this.errno() : n;
  }
  schedYield(): void {
    this.c.sched_yield();
  }

  // Descriptors and files.

  close(fd: number): number {
    return this.result(this.c.close(fd));
  }
  unlink(path: number): number {
    return this.result(this.c.unlink(path));
  }
  mkdir(path: number, mode: number): number {
    return this.result(this.c.mkdir(path, mode));
  }
  /** Of the whole process. @returns the mask before */
  umask(mask: number): number {
    return this.c.umask(mask);
  }

  // Sockets.

  socket(domain: number, type: number, protocol: number): number {
    return this.result(this.c.socket(domain, type, protocol));
  }
  bind(fd: number, address: number, length: number): number {
    return this.result(this.c.bind(fd, address, length));
  }
  connect(fd: number, address: number, length: number): number {
    return this.result(this.c.connect(fd, address, length));
  }
  listen(fd: number, backlog: number): number {
    return this.result(this.c.listen(fd, backlog));
  }
  getsockname(fd: number, address: number, length: number): number {
    return this.result(this.c.getsockname(fd, address, length));
  }
  setsockopt(fd: number, level: number, option: number, value: number, length: number): number {
    return this.result(this.c.setsockopt(fd, level, option, value, length));
  }
  getsockopt(fd: number, level: number, option: number, value: number, length: number): number {
    return this.result(this.c.getsockopt(fd, level, option, value, length));
  }

  /** @param timespec address of one, in machine words */
  clockGettime(clock: number, timespec: number): number {
    return this.result(this.c.clock_gettime(clock, timespec));
  }
}
