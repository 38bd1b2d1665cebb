/** The C library of macOS, as one small typed interface over the FFI of whichever runtime this is: what ../libc.ts is for Linux. */
import { FfiUnavailableError, PlatformError } from "../../errors.ts";
import { machine, platform, runtimeName, systemName } from "../../platform.ts";
import { pickBackend } from "../backend.ts";
import { Posix } from "../posix.ts";
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

export class DarwinLibc extends Posix<Calls<DarwinFunction>> {
  /** Behind two named arguments, which all variadic functions here have. */
  readonly #padding: readonly 0[];

  /** @param arch as `uname -m` says it on Linux */
  constructor(backend: Backend<DarwinFunction>, memory: WebAssembly.Memory, arch: string) {
    super(backend, memory, "packets", () => commonErrno(backend.errno()));
    this.#padding = variadicPadding(arch, 2);
  }

  // Packet path: no allocation, no exception.

  sendmsg(fd: number, message: number, flags: number): number {
    return this.result(this.c.sendmsg(fd, message, flags));
  }
  /** @param timespec address of one; 0 waits for ever */
  kevent(fd: number, changes: number, count: number, events: number, capacity: number, timespec: number): number {
    return this.result(this.c.kevent(fd, changes, count, events, capacity, timespec));
  }

  // Descriptors and files.

  open(path: number, flags: number): number {
    return this.result(this.c.open(path, flags, ...this.#padding, 0));
  }
  fcntl(fd: number, command: number, value: number): number {
    return this.result(this.c.fcntl(fd, command, ...this.#padding, value));
  }
  /** ioctl on a struct. @param address its own */
  ioctl(fd: number, request: number, address: number): number {
    return this.result(this.c.ioctl(fd, request, ...this.#padding, this.pointer(address)));
  }
  kqueue(): number {
    return this.result(this.c.kqueue());
  }

  // Sockets.

  accept(fd: number, address: number, length: number): number {
    return this.result(this.c.accept(fd, address, length));
  }

  // Process, memory, names of interfaces.

  /** @param length 256 at the most */
  getentropy(address: number, length: number): number {
    return this.result(this.c.getentropy(address, length));
  }
  mlock(address: number, length: number): number {
    return this.result(this.c.mlock(address, length));
  }
  minherit(address: number, length: number, inherit: number): number {
    return this.result(this.c.minherit(address, length, inherit));
  }
  setrlimit(resource: number, limit: number): number {
    return this.result(this.c.setrlimit(resource, limit));
  }
  /** @returns 0 for a name that no interface has */
  ifNametoindex(name: number): number {
    return this.c.if_nametoindex(name);
  }
  /** Writes the name, IFNAMSIZ bytes at the most, if there is one. Its result, a pointer, is none that we read. */
  ifIndextoname(index: number, name: number): void {
    this.c.if_indextoname(index, name);
  }
}
