/**
 * A Linux TUN device (<linux/if_tun.h>). With the vnet header, reads and writes carry VNET_BYTES of
 * it before the packet, and packets may be superpackets of up to 64 KiB.
 * Bytes are read and written in linear memory; nothing passes through JS.
 */

import { VNET_BYTES } from "../../core/codes.ts";
import { SystemError, TunBusyError, TunMissingError, TunNameError, TunPermissionError } from "../../errors.ts";
import { FILE, POLL, SOCKET, TUN } from "../../ffi/constants.ts";
import { EACCES, EBADFD, EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ENXIO, EPERM } from "../../ffi/errno.ts";
import { IFREQ, POLLFD } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { DEFAULT_MTU } from "../mtu.ts";
import { setNonBlocking } from "./descriptor.ts";

const DEVICE = "/dev/net/tun";

export interface TunDeviceOptions {
  /** Prepend a vnet header, without which there are no offloads. Default true. */
  vnetHeader?: boolean;
  /** Accept TCP superpackets (TSO4, TSO6). Default true. */
  tcpOffload?: boolean;
  /** Accept UDP superpackets (USO4, USO6; Linux ≥ 6.2). Default true. */
  udpOffload?: boolean;
  /** Let several descriptors share the device. Default false. */
  multiQueue?: boolean;
  /** Set on a device that was opened by name; 0 leaves it alone. Default DEFAULT_MTU. */
  mtu?: number;
}

/** @throws TunNameError, TunPermissionError, TunMissingError, TunBusyError, SystemError */
export function openTun(libc: Libc, name: string, options: TunDeviceOptions = {}): LinuxTun {
  checkName(name);
  try {
    return open(libc, name, options);
  } catch (error) {
    // Without a header that both sides agree on, packets go singly.
    if (!(error instanceof HeaderSizeError)) throw error;
    return open(libc, name, { ...options, vnetHeader: false });
  }
}

function open(libc: Libc, name: string, options: TunDeviceOptions): LinuxTun {
  const fd = libc.open(libc.text(DEVICE), FILE.O_RDWR | FILE.O_NONBLOCK | FILE.O_CLOEXEC, 0);
  if (fd < 0) throw openError(name, new SystemError("open", -fd, DEVICE));
  try {
    let flags: number = TUN.IFF_TUN | TUN.IFF_NO_PI;
    if (options.vnetHeader ?? true) flags |= TUN.IFF_VNET_HDR;
    if (options.multiQueue ?? false) flags |= TUN.IFF_MULTI_QUEUE;
    writeName(libc, name);
    libc.scratch.view.setUint16(IFREQ.flags, flags, true);
    const result = libc.ioctl(fd, TUN.TUNSETIFF, libc.scratch.at(0));
    if (result < 0) throw attachError(name, new SystemError("TUNSETIFF", -result, name));
    const tun = new LinuxTun(libc, fd, options);
    const mtu = options.mtu ?? DEFAULT_MTU;
    if (mtu !== 0) tun.setMtu(mtu);
    return tun;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Take over an open descriptor (WG_TUN_FD), with the name and the flags it has. @throws SystemError */
export function adoptTun(libc: Libc, fd: number, options: TunDeviceOptions = {}): LinuxTun {
  const tun = new LinuxTun(libc, fd, options);
  setNonBlocking(libc, fd);
  return tun;
}

export class LinuxTun {
  readonly fd: number;
  /** Whether reads and writes start with a vnet header. */
  readonly vnetHeader: boolean;
  readonly tcpOffload: boolean;
  readonly udpOffload: boolean;
  readonly #libc: Libc;
  /** For interface ioctls: it stays in the namespace the device was opened in, as the UDP sockets do. */
  readonly #control: number;
  #name: string;

  constructor(libc: Libc, fd: number, options: TunDeviceOptions) {
    this.#libc = libc;
    this.fd = fd;
    const { bytes, view, at } = libc.scratch;
    bytes.fill(0, 0, IFREQ.BYTES);
    check("TUNGETIFF", libc.ioctl(fd, TUN.TUNGETIFF, at(0)));
    this.#name = readName(bytes);
    this.vnetHeader = (view.getUint16(IFREQ.flags, true) & TUN.IFF_VNET_HDR) !== 0;
    if (this.vnetHeader) {
      setHeaderSize(libc, fd);
    }
    const offloads = this.vnetHeader ? this.#setOffloads(options) : 0;
    this.tcpOffload = (offloads & TUN.TUN_F_TSO4) !== 0;
    this.udpOffload = (offloads & TUN.TUN_F_USO4) !== 0;
    this.#control = check("socket", libc.socket(SOCKET.AF_INET, SOCKET.SOCK_DGRAM | SOCKET.SOCK_CLOEXEC, 0));
  }

  /** Try the wished offloads, then ever fewer. @returns those the kernel took */
  #setOffloads(options: TunDeviceOptions): number {
    const tcp = (options.tcpOffload ?? true) ? TUN.TUN_F_CSUM | TUN.TUN_F_TSO4 | TUN.TUN_F_TSO6 : 0;
    // The kernel refuses USO without checksum offload.
    const udp = (options.udpOffload ?? true) ? TUN.TUN_F_CSUM | TUN.TUN_F_USO4 | TUN.TUN_F_USO6 : 0;
    for (const offloads of [tcp | udp, tcp]) {
      if (this.#libc.ioctlValue(this.fd, TUN.TUNSETOFFLOAD, offloads) >= 0) return offloads;
    }
    this.#libc.ioctlValue(this.fd, TUN.TUNSETOFFLOAD, 0);
    return 0;
  }

  /** The current name: it changes when someone renames the interface. */
  get name(): string {
    const { bytes, at } = this.#libc.scratch;
    bytes.fill(0, 0, IFREQ.BYTES);
    if (this.#libc.ioctl(this.fd, TUN.TUNGETIFF, at(0)) >= 0) this.#name = readName(bytes);
    return this.#name;
  }

  /** @throws SystemError (ENODEV once the interface is gone or in another namespace) */
  get index(): number {
    return this.#interfaceValue("SIOCGIFINDEX", TUN.SIOCGIFINDEX);
  }

  /** @throws SystemError */
  get mtu(): number {
    return this.#interfaceValue("SIOCGIFMTU", TUN.SIOCGIFMTU);
  }

  /** @throws SystemError */
  setMtu(bytes: number): void {
    const { name } = this;
    writeName(this.#libc, name);
    this.#libc.scratch.view.setInt32(IFREQ.value, bytes, true);
    check("SIOCSIFMTU", this.#libc.ioctl(this.#control, TUN.SIOCSIFMTU, this.#libc.scratch.at(0)), name);
  }

  /** @throws SystemError */
  get up(): boolean {
    return (this.#interfaceValue("SIOCGIFFLAGS", TUN.SIOCGIFFLAGS) & TUN.IFF_UP) !== 0;
  }

  /** Also from another namespace: the kernel's tun_chr_poll lets nobody write to a device that is down. */
  state(): "up" | "down" | "gone" {
    const { view, at } = this.#libc.scratch;
    view.setInt32(POLLFD.fd, this.fd, true);
    view.setUint16(POLLFD.events, POLL.POLLOUT, true);
    view.setUint16(POLLFD.happened, 0, true);
    this.#libc.poll(at(0), 1, 0);
    const happened = view.getUint16(POLLFD.happened, true);
    if ((happened & POLL.POLLERR) !== 0) return "gone";
    return (happened & POLL.POLLOUT) !== 0 ? "up" : "down";
  }

  /** Bring the interface up. @throws SystemError */
  bringUp(): void {
    const flags = this.#interfaceValue("SIOCGIFFLAGS", TUN.SIOCGIFFLAGS) & 0xffff;
    this.#libc.scratch.view.setUint16(IFREQ.flags, flags | TUN.IFF_UP, true);
    check("SIOCSIFFLAGS", this.#libc.ioctl(this.#control, TUN.SIOCSIFFLAGS, this.#libc.scratch.at(0)), this.#name);
  }

  /** Read one packet or superpacket. @returns bytes, or −errno: EAGAIN none, EBADFD interface gone */
  read(address: number, capacity: number): number {
    return this.#libc.read(this.fd, address, capacity);
  }

  /** @returns bytes, or −errno: EIO interface down, EINVAL header refused */
  write(address: number, length: number): number {
    return this.#libc.write(this.fd, address, length);
  }

  /** Write one packet from a gather list (GATHER_… of assembly/abi.ts). @returns as write */
  writev(gather: number, count: number): number {
    return this.#libc.writev(this.fd, gather, count);
  }

  /** The interface goes with its last descriptor, unless it was made persistent. */
  close(): void {
    this.#libc.close(this.#control);
    this.#libc.close(this.fd);
  }

  #interfaceValue(call: string, request: number): number {
    const { name } = this;
    writeName(this.#libc, name);
    check(call, this.#libc.ioctl(this.#control, request, this.#libc.scratch.at(0)), name);
    return this.#libc.scratch.view.getInt32(IFREQ.value, true);
  }
}

class HeaderSizeError extends SystemError {}

/** An inherited descriptor may have been set to a longer one. @throws HeaderSizeError if it has, and cannot be changed */
function setHeaderSize(libc: Libc, fd: number): void {
  const { view, at } = libc.scratch;
  view.setInt32(0, VNET_BYTES, true);
  const refused = libc.ioctl(fd, TUN.TUNSETVNETHDRSZ, at(0));
  if (refused >= 0) return;
  view.setInt32(0, 0, true);
  if (libc.ioctl(fd, TUN.TUNGETVNETHDRSZ, at(0)) >= 0 && view.getInt32(0, true) === VNET_BYTES) return;
  throw new HeaderSizeError("TUNSETVNETHDRSZ", -refused);
}

/** True when a read of the device failed because the interface was removed. @param result −errno */
export function tunIsGone(result: number): boolean {
  return result === -EBADFD || result === -ENODEV || result === -ENXIO;
}

function checkName(name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  // dev_valid_name() of the kernel, and no % which would make the kernel choose a number.
  if (bytes === 0 || bytes >= TUN.IFNAMSIZ || name === "." || name === ".." || /[\0-\x20\x7f/:%]/.test(name)) {
    throw new TunNameError(name);
  }
}

function openError(name: string, cause: SystemError): Error {
  if (cause.errno === EPERM || cause.errno === EACCES) return new TunPermissionError(name, cause);
  if (cause.errno === ENOENT || cause.errno === ENODEV || cause.errno === ENXIO) return new TunMissingError(cause);
  return cause;
}

/** EINVAL: the name belongs to an interface that is no TUN device, or one with other flags. */
function attachError(name: string, cause: SystemError): Error {
  if (cause.errno === EPERM) return new TunPermissionError(name, cause);
  if (cause.errno === EBUSY || cause.errno === EEXIST || cause.errno === EINVAL) return new TunBusyError(name, cause);
  return cause;
}

function writeName(libc: Libc, name: string): void {
  libc.scratch.bytes.fill(0, 0, IFREQ.BYTES);
  libc.text(name, IFREQ.name);
}

function readName(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
}
