/**
 * A utun device of macOS (<net/if_utun.h>): a socket of the kernel-control domain, which is the interface for as long as it is open. The kernel
 * numbers interfaces; a name can only ask for a number. A packet has its address family in front, 4 bytes in network byte order.
 */
import { SystemError, TunBusyError, TunNameError, TunPermissionError } from "../../errors.ts";
import { CONTROL, SOCKET, UTUN } from "../../ffi/darwin/constants.ts";
import { CTL_INFO, IFREQ, SOCKADDR_CTL } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { EACCES, EBUSY, EPERM } from "../../ffi/errno.ts";
import { check } from "../../ffi/libc.ts";
import type { TunDevice } from "../machine.ts";
import { DEFAULT_MTU } from "../mtu.ts";
import { openSocket, prepare } from "./descriptor.ts";

const UTUN_CONTROL = "com.apple.net.utun_control";
/** In front of each packet. */
export const FAMILY_BYTES = 4;
/** Unit n is interface utun(n − 1); 0 lets the kernel choose. */
const ANY_UNIT = 0;
/** What a number of ifunit has room for in xnu. */
const NUMBER_MAX = 32_767;

const NAME_STEP = "macOS names these devices: ask for utun, or for one by its number as in utun7.";
const RIGHTS_STEP = "Run as root, or pass an open utun socket in WG_TUN_FD.";
const BUSY_STEP = "Ask for utun to have any; `ifconfig -l` lists what there is.";

/** @throws TunNameError */
function unitOf(name: string): number {
  const number = /^utun(0|[1-9]\d{0,4})?$/.exec(name);
  if (number === null) throw new TunNameError(name, NAME_STEP);
  if (number[1] === undefined) return ANY_UNIT;
  const unit = Number(number[1]) + 1;
  if (unit > NUMBER_MAX) throw new TunNameError(name, NAME_STEP);
  return unit;
}

/**
 * @param name `utun` for any that is free, or one with its number
 * @throws TunNameError, TunPermissionError, TunBusyError, SystemError
 */
export function openUtun(libc: DarwinLibc, name: string): Utun {
  const unit = unitOf(name);
  const fd = openSocket(libc, SOCKET.AF_SYSTEM, SOCKET.SOCK_DGRAM, CONTROL.SYSPROTO_CONTROL);
  try {
    connect(libc, fd, name, unit);
    const utun = new Utun(libc, fd);
    utun.setMtu(DEFAULT_MTU);
    return utun;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Take over an open utun socket (WG_TUN_FD). @throws SystemError */
export function adoptUtun(libc: DarwinLibc, fd: number): Utun {
  return new Utun(libc, prepare(libc, fd));
}

function connect(libc: DarwinLibc, fd: number, name: string, unit: number): void {
  const { bytes, view, at } = libc.scratch;
  bytes.fill(0, 0, CTL_INFO.BYTES);
  libc.text(UTUN_CONTROL, CTL_INFO.name);
  check("CTLIOCGINFO", libc.ioctl(fd, UTUN.CTLIOCGINFO, at(0)), UTUN_CONTROL);
  const id = view.getUint32(CTL_INFO.id, true);
  bytes.fill(0, 0, SOCKADDR_CTL.BYTES);
  bytes[SOCKADDR_CTL.length] = SOCKADDR_CTL.BYTES;
  bytes[SOCKADDR_CTL.family] = SOCKET.AF_SYSTEM;
  view.setUint16(SOCKADDR_CTL.system, CONTROL.AF_SYS_CONTROL, true);
  view.setUint32(SOCKADDR_CTL.id, id, true);
  view.setUint32(SOCKADDR_CTL.unit, unit, true);
  const result = libc.connect(fd, at(0), SOCKADDR_CTL.BYTES);
  if (result >= 0) return;
  const cause = new SystemError("connect", -result, name);
  if (result === -EPERM || result === -EACCES) throw new TunPermissionError(name, cause, RIGHTS_STEP);
  throw result === -EBUSY ? new TunBusyError(name, cause, BUSY_STEP) : cause;
}

export class Utun implements TunDevice {
  readonly fd: number;
  /** The one that the kernel gave; macOS renames no interface. */
  readonly name: string;
  readonly vnetHeader = false;
  readonly tcpOffload = false;
  readonly udpOffload = false;
  readonly #libc: DarwinLibc;
  /** For ioctls on interfaces. */
  readonly #control: number;

  /** @throws SystemError */
  constructor(libc: DarwinLibc, fd: number) {
    this.#libc = libc;
    this.fd = fd;
    const { bytes, view, at } = libc.scratch;
    view.setUint32(UTUN.IFNAMSIZ, UTUN.IFNAMSIZ, true);
    const got = libc.getsockopt(fd, CONTROL.SYSPROTO_CONTROL, UTUN.UTUN_OPT_IFNAME, at(0), at(UTUN.IFNAMSIZ));
    check("UTUN_OPT_IFNAME", got);
    this.name = new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
    this.#control = openSocket(libc, SOCKET.AF_INET, SOCKET.SOCK_DGRAM, 0);
  }

  /** 0 once the interface is gone. */
  get index(): number {
    return this.#libc.ifNametoindex(this.#libc.text(this.name));
  }

  /** @throws SystemError */
  get mtu(): number {
    this.#ask("SIOCGIFMTU", UTUN.SIOCGIFMTU, 0);
    return this.#libc.scratch.view.getInt32(IFREQ.value, true);
  }

  /** @throws SystemError */
  setMtu(bytes: number): void {
    this.#ask("SIOCSIFMTU", UTUN.SIOCSIFMTU, bytes);
  }

  /** @throws SystemError (ENXIO once the interface is gone) */
  get up(): boolean {
    this.#ask("SIOCGIFFLAGS", UTUN.SIOCGIFFLAGS, 0);
    return (this.#libc.scratch.view.getInt16(IFREQ.value, true) & UTUN.IFF_UP) !== 0;
  }

  #ask(call: string, request: number, value: number): void {
    const { bytes, view, at } = this.#libc.scratch;
    bytes.fill(0, 0, IFREQ.BYTES);
    this.#libc.text(this.name, IFREQ.name);
    view.setInt32(IFREQ.value, value, true);
    check(call, this.#libc.ioctl(this.#control, request, at(0)), this.name);
  }

  /** The interface goes with it. */
  close(): void {
    this.#libc.close(this.#control);
    this.#libc.close(this.fd);
  }
}
