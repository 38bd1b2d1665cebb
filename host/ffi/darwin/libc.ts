/**
 * The C library of macOS, as one small typed interface over the FFI of whichever runtime this is: what ../libc.ts is for Linux. Addresses are
 * byte offsets in the core's linear memory. Every function returns C's result, or −errno in Linux's numbers (errno.ts); none throws.
 */
import { FfiUnavailableError, PlatformError } from "../../errors.ts";
import { machine, platform, runtimeName, systemName } from "../../platform.ts";
import { pickBackend } from "../backend.ts";
import { openScratch, type Scratch, writeText } from "../scratch.ts";
import type { Backend, Calls } from "../signatures.ts";
import { commonErrno } from "./errno.ts";
import { type DarwinFunction, darwinLibrary, variadicPadding } from "./signatures.ts";

/** @throws PlatformError, FfiUnavailableError */
export async function openDarwinLibc(memory: WebAssembly.Memory): Promise<DarwinLibc> {
  const arch = machine();
  if (platform() !== "darwin" || arch === undefined) throw new PlatformError(systemName());
  try {
    return new DarwinLibc(await pickBackend(darwinLibrary(arch)), memory, arch);
  } catch (error) {
    throw new FfiUnavailableError(runtimeName(), error);
  }
}

export class DarwinLibc {
  readonly backend: Backend["name"];
  readonly memory: WebAssembly.Memory;
  /** Machine address of linear memory. It does not move. */
  readonly base: bigint;
  readonly scratch: Scratch;
  readonly #c: Calls<DarwinFunction>;
  readonly #errno: () => number;
  /** Behind two named arguments, which all variadic functions here have. */
  readonly #padding: readonly 0[];

  /** @param arch as `uname -m` says it on Linux */
  constructor(backend: Backend<DarwinFunction>, memory: WebAssembly.Memory, arch: string) {
    this.backend = backend.name;
    this.memory = memory;
    this.base = backend.addressOf(new Uint8Array(memory.buffer));
    this.scratch = openScratch(this.base, backend.addressOf);
    this.#c = backend.bind(this.base, "packets");
    this.#errno = backend.errno;
    this.#padding = variadicPadding(arch, 2);
  }

  /** Write a NUL-terminated string into the scratch buffer. @returns its address */
  text(value: string, position = 0): number {
    return writeText(this.scratch, value, position);
  }

  /** Machine address of an offset, for structs that hold addresses. */
  pointer(address: number): number {
    return Number(this.base) + address;
  }

  #result(value: number): number {
    return value < 0 ? -commonErrno(this.#errno()) : value;
  }

  // Packet path: no allocation, no exception.

  read(fd: number, address: number, length: number): number {
    return this.#result(this.#c.read(fd, address, length));
  }
  write(fd: number, address: number, length: number): number {
    return this.#result(this.#c.write(fd, address, length));
  }
  writev(fd: number, gather: number, count: number): number {
    return this.#result(this.#c.writev(fd, gather, count));
  }
  sendmsg(fd: number, message: number, flags: number): number {
    return this.#result(this.#c.sendmsg(fd, message, flags));
  }
  recvmsg(fd: number, message: number, flags: number): number {
    return this.#result(this.#c.recvmsg(fd, message, flags));
  }
  /** @param timespec address of one; 0 waits for ever */
  kevent(fd: number, changes: number, count: number, events: number, capacity: number, timespec: number): number {
    return this.#result(this.#c.kevent(fd, changes, count, events, capacity, timespec));
  }
  schedYield(): void {
    this.#c.sched_yield();
  }

  // Descriptors and files.

  open(path: number, flags: number): number {
    return this.#result(this.#c.open(path, flags, ...this.#padding, 0));
  }
  close(fd: number): number {
    return this.#result(this.#c.close(fd));
  }
  fcntl(fd: number, command: number, value: number): number {
    return this.#result(this.#c.fcntl(fd, command, ...this.#padding, value));
  }
  /** ioctl on a struct. @param address its own */
  ioctl(fd: number, request: number, address: number): number {
    return this.#result(this.#c.ioctl(fd, request, ...this.#padding, this.pointer(address)));
  }
  unlink(path: number): number {
    return this.#result(this.#c.unlink(path));
  }
  mkdir(path: number, mode: number): number {
    return this.#result(this.#c.mkdir(path, mode));
  }
  /** Of the whole process. @returns the mask before */
  umask(mask: number): number {
    return this.#c.umask(mask);
  }
  poll(list: number, count: number, timeoutMs: number): number {
    return this.#result(this.#c.poll(list, count, timeoutMs));
  }
  kqueue(): number {
    return this.#result(this.#c.kqueue());
  }

  // Sockets.

  socket(domain: number, type: number, protocol: number): number {
    return this.#result(this.#c.socket(domain, type, protocol));
  }
  bind(fd: number, address: number, length: number): number {
    return this.#result(this.#c.bind(fd, address, length));
  }
  connect(fd: number, address: number, length: number): number {
    return this.#result(this.#c.connect(fd, address, length));
  }
  listen(fd: number, backlog: number): number {
    return this.#result(this.#c.listen(fd, backlog));
  }
  accept(fd: number, address: number, length: number): number {
    return this.#result(this.#c.accept(fd, address, length));
  }
  getsockname(fd: number, address: number, length: number): number {
    return this.#result(this.#c.getsockname(fd, address, length));
  }
  setsockopt(fd: number, level: number, option: number, value: number, length: number): number {
    return this.#result(this.#c.setsockopt(fd, level, option, value, length));
  }
  getsockopt(fd: number, level: number, option: number, value: number, length: number): number {
    return this.#result(this.#c.getsockopt(fd, level, option, value, length));
  }

  // Process, memory, names of interfaces.

  clockGettime(clock: number, timespec: number): number {
    return this.#result(this.#c.clock_gettime(clock, timespec));
  }
  /** @param length 256 at the most */
  getentropy(address: number, length: number): number {
    return this.#result(this.#c.getentropy(address, length));
  }
  mlock(address: number, length: number): number {
    return this.#result(this.#c.mlock(address, length));
  }
  minherit(address: number, length: number, inherit: number): number {
    return this.#result(this.#c.minherit(address, length, inherit));
  }
  setrlimit(resource: number, limit: number): number {
    return this.#result(this.#c.setrlimit(resource, limit));
  }
  /** @returns 0 for a name that no interface has */
  ifNametoindex(name: number): number {
    return this.#c.if_nametoindex(name);
  }
  /** Writes the name, IFNAMSIZ bytes at the most, if there is one. Its result, a pointer, is none that we read. */
  ifIndextoname(index: number, name: number): void {
    this.#c.if_indextoname(index, name);
  }
}
