/**
 * A process on the stand-in for macOS: its descriptors, and the functions of its C library over its memory. Strict: a struct that is not what
 * Apple's headers say is refused, as is a descriptor that could block, or that a program would inherit, where the daemon waits for packets.
 */
import { CONTROL, FILE, SOCKET } from "../../../host/ffi/darwin/constants.ts";
import { Descriptor } from "./descriptor.ts";
import { Failure, insist } from "./errno.ts";
import { KqueueDescriptor } from "./kqueue.ts";
import type { Mac } from "./mac.ts";
import { RouteSocket } from "./route-socket.ts";
import { UdpSocket } from "./udp-socket.ts";
import { UnixListenerFile, type UnixStream } from "./unix-sockets.ts";
import { UtunSocket } from "./utun-socket.ts";

/** Standard streams are not of interest. */
const FIRST_DESCRIPTOR = 3;

export class Folder extends Descriptor {
  readonly #mac: Mac;
  readonly #path: string;
  #seen: number;

  constructor(mac: Mac, path: string) {
    super();
    this.#mac = mac;
    this.#path = path;
    this.#seen = mac.changes.get(path) ?? 0;
  }

  override takeChange(): boolean {
    const now = this.#mac.changes.get(this.#path) ?? 0;
    const changed = now !== this.#seen;
    this.#seen = now;
    return changed;
  }
}

export class Process {
  readonly mac: Mac;
  readonly descriptors = new Map<number, Descriptor>();
  /** The most that it may have open. */
  descriptorsMax = 256;
  umask = 0o022;
  /** Bytes that are locked. */
  locked = 0;
  coreLimit = Number.POSITIVE_INFINITY;

  constructor(mac: Mac) {
    this.mac = mac;
  }

  find(fd: number): Descriptor {
    const found = this.descriptors.get(fd);
    if (found === undefined) throw new Failure("EBADF", `${fd}`);
    return found;
  }

  /** Of a kind. */
  get<T extends Descriptor>(fd: number, kind: new (...args: never[]) => T): T {
    const found = this.find(fd);
    if (!(found instanceof kind)) throw new Failure("ENOTSOCK", `${fd} is no ${kind.name}`);
    return found;
  }

  open(descriptor: Descriptor): number {
    if (this.descriptors.size >= this.descriptorsMax) throw new Failure("EMFILE");
    let fd = FIRST_DESCRIPTOR;
    while (this.descriptors.has(fd)) fd++;
    this.descriptors.set(fd, descriptor);
    return fd;
  }

  close(fd: number): number {
    const target = this.find(fd);
    this.descriptors.delete(fd);
    target.close();
    for (const other of this.descriptors.values()) if (other instanceof KqueueDescriptor) other.forget(target);
    return 0;
  }

  socket(domain: number, type: number, protocol: number): number {
    const { mac } = this;
    if (domain === SOCKET.AF_SYSTEM) {
      insist(type === SOCKET.SOCK_DGRAM && protocol === CONTROL.SYSPROTO_CONTROL, "kernel control");
      return this.open(new UtunSocket(mac));
    }
    insist(protocol === 0, "protocol");
    if (domain === SOCKET.AF_ROUTE && type === SOCKET.SOCK_RAW) return this.open(new RouteSocket(mac));
    if (domain === SOCKET.AF_UNIX && type === SOCKET.SOCK_STREAM) return this.open(new UnixListenerFile(mac));
    if (domain === SOCKET.AF_INET && type === SOCKET.SOCK_DGRAM) return this.open(new UdpSocket(mac, 4));
    if (domain === SOCKET.AF_INET6 && !mac.hasIpv6) throw new Failure("EAFNOSUPPORT");
    if (domain === SOCKET.AF_INET6 && type === SOCKET.SOCK_DGRAM) return this.open(new UdpSocket(mac, 6));
    // Flags in the type are Linux's.
    throw new Failure("EPROTONOSUPPORT");
  }

  accept(fd: number): number {
    const listener = this.get(fd, UnixListenerFile);
    if (this.descriptors.size >= this.descriptorsMax) throw new Failure("EMFILE");
    return this.open(listener.backlog.take());
  }

  fcntl(fd: number, command: number, value: number): number {
    const target = this.find(fd);
    switch (command) {
      case FILE.F_GETFL:
        return target.nonBlocking ? FILE.O_NONBLOCK | 2 : 2;
      case FILE.F_SETFL:
        target.nonBlocking = (value & FILE.O_NONBLOCK) !== 0;
        return 0;
      case FILE.F_SETFD:
        target.closeOnExec = value === FILE.FD_CLOEXEC;
        return 0;
      default:
        throw new Failure("EINVAL", `fcntl ${command}`);
    }
  }

  openFile(path: string, flags: number): number {
    const { mac } = this;
    const descriptor = mac.folders.has(path) ? new Folder(mac, path) : new PlainFile();
    if (!mac.folders.has(path)) {
      const file = mac.files.get(path);
      if (file === undefined) throw new Failure("ENOENT", path);
      if (file !== "other") throw new Failure("EOPNOTSUPP", path);
    }
    descriptor.closeOnExec = (flags & FILE.O_CLOEXEC) !== 0;
    return this.open(descriptor);
  }

  mkdir(path: string): number {
    const { mac } = this;
    if (mac.folders.has(path)) throw new Failure("EEXIST");
    if (mac.user !== "root") throw new Failure("EACCES");
    if (!mac.folders.has(path.slice(0, path.lastIndexOf("/")) || "/")) throw new Failure("ENOENT");
    mac.folders.add(path);
    return 0;
  }

  /** Those that could make the daemon wait where it must not, or that programs would inherit. */
  careless(): string[] {
    return [...this.descriptors].flatMap(([fd, one]) => {
      const mayBlock = !one.nonBlocking && !(one instanceof KqueueDescriptor || one instanceof Folder);
      return mayBlock || !one.closeOnExec ? [`${fd}: ${one.constructor.name}`] : [];
    });
  }

  /** Connect to the control socket, as wg(8) does. */
  dial(path: string): UnixStream {
    const file = this.mac.files.get(path);
    if (file === undefined || file === "other") throw new Failure("ENOENT", path);
    return file.connect();
  }
}

class PlainFile extends Descriptor {}
