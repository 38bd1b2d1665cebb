/**
 * The C library of the stand-in as an FFI would offer it. Arguments arrive as the processor's calling convention has them: a variadic function
 * takes its variadic argument from the stack on arm64, whatever the caller meant it to be (signatures.ts).
 */
import { CONTROL, SOCKET, SYSTEM, UTUN } from "../../../host/ffi/darwin/constants.ts";
import {
  CTL_INFO,
  IFREQ,
  IOVEC,
  KEVENT,
  MSGHDR,
  POLLFD,
  RLIMIT,
  SOCKADDR_CTL,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOCKADDR_UN,
  TIMESPEC,
} from "../../../host/ffi/darwin/layout.ts";
import { DarwinLibc } from "../../../host/ffi/darwin/libc.ts";
import { type DarwinFunction, darwinLibrary } from "../../../host/ffi/darwin/signatures.ts";
import type { Backend, Call, Calls } from "../../../host/ffi/signatures.ts";
import { Failure, insist } from "./errno.ts";
import { type Kevent, KqueueDescriptor } from "./kqueue.ts";
import { ProcessMemory } from "./memory.ts";
import { addressBytes, addressText } from "./network.ts";
import type { Process } from "./process.ts";
import { packControls, UdpSocket, unpackControls } from "./udp-socket.ts";
import { UnixListenerFile } from "./unix-sockets.ts";
import { UTUN_ID, UtunSocket } from "./utun-socket.ts";

export type Processor = "x86_64" | "aarch64";

const REGISTERS = 8;
/** An argument that nobody has put there. */
const GARBAGE = 0xdead_beef;
const UTUN_CONTROL = "com.apple.net.utun_control";
const ENTROPY_MAX = 256;
/** So long a process sleeps at most until it looks for signals: the test's own turns. */
const NAP_MS = 1;

const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * @param caller the processor that the calls are made for
 * @returns what the daemon calls, for one process
 */
export function openStandIn(
  process: Process,
  memory: WebAssembly.Memory,
  processor: Processor,
  caller = processor,
): DarwinLibc {
  const own = new ProcessMemory(memory);
  let errno = 0;
  const functions = libraryOf(process, own, processor);
  const { signatures } = darwinLibrary(caller);
  const backend: Backend<DarwinFunction> = {
    name: "node",
    addressOf: (bytes) => own.addressOf(bytes),
    bind: () => {
      const calls = (Object.keys(signatures) as DarwinFunction[]).map((name): [string, Call] => [
        name,
        (...args) => {
          if (args.length !== signatures[name].length) throw new TypeError(`${name} with ${args.length} arguments`);
          try {
            return functions[name](...args);
          } catch (error) {
            if (!(error instanceof Failure)) throw error;
            errno = error.errno;
            return -1;
          }
        },
      ]);
      return Object.fromEntries(calls) as Calls<DarwinFunction>;
    },
    errno: () => errno,
  };
  return new DarwinLibc(backend, memory, caller);
}

function libraryOf(process: Process, memory: ProcessMemory, processor: Processor): Calls<DarwinFunction> {
  const { mac } = process;
  /** @param named arguments that the function has names for */
  const variadic = (args: readonly number[], named: number): number =>
    args[processor === "aarch64" ? REGISTERS : named] ?? GARBAGE;
  const gather = (vectors: number, count: number): Uint8Array => {
    const view = memory.view(vectors, count * IOVEC.BYTES);
    const pieces = Array.from({ length: count }, (_, i) => piece(view, i * IOVEC.BYTES));
    return Uint8Array.from(pieces.flatMap((bytes) => [...bytes]));
  };
  const piece = (view: DataView, at: number): Uint8Array =>
    memory.atAddress(view.getBigUint64(at + IOVEC.base, true), Number(view.getBigUint64(at + IOVEC.length, true)));
  const refuseBlocking = (fd: number): void => insist(process.find(fd).nonBlocking, `descriptor ${fd} may block`);

  return {
    read(fd, at, capacity) {
      refuseBlocking(fd!);
      const bytes = process.find(fd!).read(capacity!);
      memory.at(at!, bytes.length).set(bytes);
      return bytes.length;
    },
    write(fd, at, length) {
      refuseBlocking(fd!);
      return process.find(fd!).write(memory.at(at!, length!));
    },
    writev(fd, vectors, count) {
      refuseBlocking(fd!);
      return process.find(fd!).write(gather(vectors!, count!));
    },
    sendmsg(fd, at, flags) {
      insist(flags === 0, "flags of sendmsg");
      const socket = process.get(fd!, UdpSocket);
      const { message, name, bytes } = readMessage(memory, at!);
      const to = readAddress(name.subarray(0, message.getUint32(MSGHDR.nameLength, true)), socket.family);
      const controlLength = message.getUint32(MSGHDR.controlLength, true);
      const address = message.getBigUint64(MSGHDR.control, true);
      insist((controlLength === 0) === (address === 0n), "control messages");
      const controls = controlLength === 0 ? [] : unpackControls(memory.atAddress(address, controlLength));
      socket.send(bytes, to, controls);
      return bytes.length;
    },
    recvmsg(fd, at, flags) {
      insist(flags === SOCKET.MSG_DONTWAIT, "flags of recvmsg");
      const socket = process.get(fd!, UdpSocket);
      const { message, name, bytes } = readMessage(memory, at!);
      const { datagram, controls } = socket.take();
      const length = Math.min(bytes.length, datagram.bytes.length);
      bytes.set(datagram.bytes.subarray(0, length));
      const nameBytes = writeAddress(name, datagram.from, socket.family);
      message.setUint32(MSGHDR.nameLength, nameBytes, true);
      const room = message.getUint32(MSGHDR.controlLength, true);
      const packed = packControls(controls).subarray(0, room);
      memory.atAddress(message.getBigUint64(MSGHDR.control, true), packed.length).set(packed);
      message.setUint32(MSGHDR.controlLength, packed.length, true);
      message.setInt32(MSGHDR.flags, length < datagram.bytes.length ? SOCKET.MSG_TRUNC : 0, true);
      return length;
    },
    kqueue: () => process.open(new KqueueDescriptor((fd) => process.find(fd))),
    kevent(fd, changes, count, events, capacity, timespec) {
      const kqueue = process.get(fd!, KqueueDescriptor);
      for (let i = 0; i < count!; i++) kqueue.apply(readKevent(memory.view(changes! + i * KEVENT.BYTES, KEVENT.BYTES)));
      if (capacity === 0) return 0;
      const found = kqueue.pending(capacity!);
      for (const [i, event] of found.entries()) {
        writeKevent(memory.view(events! + i * KEVENT.BYTES, KEVENT.BYTES), event);
      }
      if (found.length > 0) return found.length;
      const time = timespec === 0 ? undefined : memory.view(timespec!, TIMESPEC.BYTES);
      const mayWait = time === undefined || time.getBigInt64(0, true) > 0n || time.getBigInt64(8, true) > 0n;
      if (!mayWait) return 0;
      Atomics.wait(nap, 0, 0, NAP_MS);
      throw new Failure("EINTR");
    },
    poll(list, count, timeout) {
      insist(count === 1 && timeout === 0, "poll");
      const view = memory.view(list!, POLLFD.BYTES);
      const target = process.find(view.getInt32(POLLFD.fd, true));
      const wanted = view.getInt16(POLLFD.events, true);
      const happened = (target.isReadable ? SYSTEM.POLLIN : 0) | (target.isWritable ? SYSTEM.POLLOUT : 0);
      view.setInt16(POLLFD.happened, happened & wanted, true);
      return (happened & wanted) === 0 ? 0 : 1;
    },
    sched_yield: () => 0,

    open: (path, flags) => process.openFile(memory.text(path!), flags!),
    close: (fd) => process.close(fd!),
    fcntl: (...args) => process.fcntl(args[0]!, args[1]!, variadic(args, 2)),
    ioctl(...args) {
      const [fd, request] = args as [number, number];
      const at = variadic(args, 2);
      if (request === UTUN.CTLIOCGINFO) {
        process.get(fd, UtunSocket);
        const bytes = memory.atAddress(BigInt(at), CTL_INFO.BYTES);
        const name = new TextDecoder().decode(bytes.slice(CTL_INFO.name, bytes.indexOf(0, CTL_INFO.name)));
        if (name !== UTUN_CONTROL) throw new Failure("ENOENT", name);
        new DataView(bytes.buffer, bytes.byteOffset).setUint32(CTL_INFO.id, UTUN_ID, true);
        return 0;
      }
      process.get(fd, UdpSocket);
      const bytes = memory.atAddress(BigInt(at), IFREQ.BYTES);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const one = mac.byName(new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0))));
      if (request === UTUN.SIOCGIFMTU) view.setInt32(IFREQ.value, one.mtu, true);
      else if (request === UTUN.SIOCGIFFLAGS) view.setInt16(IFREQ.value, mac.flagsOf(one), true);
      else if (request === UTUN.SIOCSIFMTU) mac.configure(one.name, { mtu: view.getInt32(IFREQ.value, true) });
      else throw new Failure("EOPNOTSUPP", `ioctl ${request}`);
      return 0;
    },
    unlink(path) {
      mac.removeFile(memory.text(path!));
      return 0;
    },
    mkdir: (path) => process.mkdir(memory.text(path!)),
    umask(mask) {
      const before = process.umask;
      process.umask = mask!;
      return before;
    },

    socket: (domain, type, protocol) => process.socket(domain!, type!, protocol!),
    bind(fd, at, length) {
      const socket = process.find(fd!);
      const address = memory.at(at!, length!);
      if (socket instanceof UnixListenerFile) socket.bind(readPath(address), process.umask);
      else socket instanceof UdpSocket && socket.bind(readAddress(address, socket.family).port);
      return 0;
    },
    connect(fd, at, length) {
      const socket = process.find(fd!);
      const address = memory.at(at!, length!);
      if (socket instanceof UtunSocket) {
        const view = new DataView(address.buffer, address.byteOffset, address.length);
        insist(length === SOCKADDR_CTL.BYTES && address[SOCKADDR_CTL.length] === length, "length of sockaddr_ctl");
        insist(address[SOCKADDR_CTL.family] === SOCKET.AF_SYSTEM, "sc_family");
        insist(view.getUint16(SOCKADDR_CTL.system, true) === CONTROL.AF_SYS_CONTROL, "ss_sysaddr");
        insist(view.getUint32(SOCKADDR_CTL.id, true) === UTUN_ID, "sc_id");
        socket.connect(view.getUint32(SOCKADDR_CTL.unit, true));
        return 0;
      }
      process.dial(readPath(address));
      return 0;
    },
    listen(fd) {
      process.get(fd!, UnixListenerFile).listens = true;
      return 0;
    },
    accept: (fd) => process.accept(fd!),
    getsockname(fd, at, lengthAt) {
      const socket = process.get(fd!, UdpSocket);
      const room = memory.view(lengthAt!, 4).getUint32(0, true);
      const any = { address: socket.family === 4 ? "0.0.0.0" : "0:0:0:0:0:0:0:0", port: socket.port };
      memory.view(lengthAt!, 4).setUint32(0, writeAddress(memory.at(at!, room), any, socket.family), true);
      return 0;
    },
    setsockopt(fd, level, option, at, length) {
      insist(length === 4, "an int");
      process.get(fd!, UdpSocket).setOption(level!, option!, memory.view(at!, 4).getInt32(0, true));
      return 0;
    },
    getsockopt(fd, level, option, at, lengthAt) {
      const room = memory.view(lengthAt!, 4).getUint32(0, true);
      const socket = process.find(fd!);
      if (socket instanceof UtunSocket) {
        insist(level === CONTROL.SYSPROTO_CONTROL && option === UTUN.UTUN_OPT_IFNAME, "UTUN_OPT_IFNAME");
        const name = new TextEncoder().encode(`${socket.device.name}\0`);
        if (room < name.length) throw new Failure("ENOBUFS");
        memory.at(at!, name.length).set(name);
        memory.view(lengthAt!, 4).setUint32(0, name.length, true);
        return 0;
      }
      memory.view(at!, 4).setInt32(0, process.get(fd!, UdpSocket).getOption(level!, option!), true);
      return 0;
    },

    clock_gettime(clock, at) {
      insist(clock === SYSTEM.CLOCK_MONOTONIC, "clock");
      const now = performance.now();
      memory.view(at!, TIMESPEC.BYTES).setBigInt64(TIMESPEC.seconds, BigInt(Math.floor(now / 1000)), true);
      memory.view(at!, TIMESPEC.BYTES).setBigInt64(TIMESPEC.nanoseconds, BigInt(Math.floor((now % 1000) * 1e6)), true);
      return 0;
    },
    getentropy(at, length) {
      if (length! > ENTROPY_MAX) throw new Failure("EIO");
      const bytes = new Uint8Array(length!);
      crypto.getRandomValues(bytes);
      memory.at(at!, length!).set(bytes);
      return 0;
    },
    mlock(at, length) {
      memory.at(at!, length!);
      if (process.locked + length! > mac.lockableBytes) throw new Failure("ENOMEM");
      process.locked += length!;
      return 0;
    },
    minherit(at, length, inherit) {
      memory.at(at!, length!);
      insist(inherit === SYSTEM.VM_INHERIT_NONE, "inheritance");
      return 0;
    },
    setrlimit(resource, at) {
      insist(resource === SYSTEM.RLIMIT_CORE, "resource");
      process.coreLimit = Number(memory.view(at!, RLIMIT.BYTES).getBigUint64(RLIMIT.current, true));
      return 0;
    },
    if_nametoindex(name) {
      const text = memory.text(name!);
      return mac.interfaces.find((one) => one.name === text)?.index ?? 0;
    },
    if_indextoname(index, at) {
      const found = mac.interfaces.find((one) => one.index === index);
      if (found === undefined) throw new Failure("ENXIO");
      memory.at(at!, UTUN.IFNAMSIZ).set(new TextEncoder().encode(`${found.name}\0`));
      return 1;
    },
  };
}

function readMessage(memory: ProcessMemory, at: number): { message: DataView; name: Uint8Array; bytes: Uint8Array } {
  const message = memory.view(at, MSGHDR.BYTES);
  insist(message.getInt32(MSGHDR.iovLength, true) === 1, "msg_iovlen");
  const nameLength = message.getUint32(MSGHDR.nameLength, true);
  const vector = memory.atAddress(message.getBigUint64(MSGHDR.iov, true), IOVEC.BYTES);
  const view = new DataView(vector.buffer, vector.byteOffset, IOVEC.BYTES);
  const length = Number(view.getBigUint64(IOVEC.length, true));
  return {
    message,
    name: memory.atAddress(message.getBigUint64(MSGHDR.name, true), nameLength),
    bytes: memory.atAddress(view.getBigUint64(IOVEC.base, true), length),
  };
}

/** A socket address says its own length, and a wrong one is refused. */
function readAddress(bytes: Uint8Array, family: 4 | 6): { address: string; port: number } {
  const layout = family === 4 ? SOCKADDR_IN : SOCKADDR_IN6;
  insist(bytes.length === layout.BYTES && bytes[layout.length] === layout.BYTES, "length of a socket address");
  insist(bytes[layout.family] === (family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6), "family of a socket address");
  const port = new DataView(bytes.buffer, bytes.byteOffset).getUint16(layout.port, false);
  const size = family === 4 ? 4 : 16;
  return { address: addressText(bytes.subarray(layout.address, layout.address + size)), port };
}

/** @returns its length */
function writeAddress(room: Uint8Array, { address, port }: { address: string; port: number }, family: 4 | 6): number {
  const layout = family === 4 ? SOCKADDR_IN : SOCKADDR_IN6;
  insist(room.length >= layout.BYTES, "room for an address");
  room.fill(0, 0, layout.BYTES);
  room[layout.length] = layout.BYTES;
  room[layout.family] = family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
  new DataView(room.buffer, room.byteOffset).setUint16(layout.port, port, false);
  room.set(addressBytes(address), layout.address);
  return layout.BYTES;
}

function readPath(address: Uint8Array): string {
  insist(address.length === SOCKADDR_UN.BYTES && address[SOCKADDR_UN.length] === address.length, "sockaddr_un");
  insist(address[SOCKADDR_UN.family] === SOCKET.AF_UNIX, "sun_family");
  return new TextDecoder().decode(address.slice(SOCKADDR_UN.path, address.indexOf(0, SOCKADDR_UN.path)));
}

function readKevent(view: DataView): Kevent {
  return {
    ident: Number(view.getBigUint64(KEVENT.ident, true)),
    filter: view.getInt16(KEVENT.filter, true),
    flags: view.getUint16(KEVENT.flags, true),
    filterFlags: view.getUint32(KEVENT.filterFlags, true),
    data: Number(view.getBigInt64(KEVENT.data, true)),
    token: view.getBigUint64(KEVENT.token, true),
  };
}

function writeKevent(view: DataView, event: Kevent): void {
  view.setBigUint64(KEVENT.ident, BigInt(event.ident), true);
  view.setInt16(KEVENT.filter, event.filter, true);
  view.setUint16(KEVENT.flags, event.flags, true);
  view.setUint32(KEVENT.filterFlags, event.filterFlags, true);
  view.setBigInt64(KEVENT.data, BigInt(event.data), true);
  view.setBigUint64(KEVENT.token, event.token, true);
}
