/**
 * The route socket of macOS (<net/route.h>, route(4)): it tells whoever has one open of interfaces, addresses and routes that change, and
 * answers the question which way packets to an address go. Questions go through a socket of their own, whose answer is the next of this process and of their number.
 * That one hears all news, too; when its buffer is full of them, answers are lost, so it is emptied first.
 */
import { ROUTE, SOCKET } from "../../ffi/darwin/constants.ts";
import { RT_MSGHDR, SOCKADDR_DL, SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { EINTR, ENOBUFS, ESRCH } from "../../ffi/errno.ts";
import { SCRATCH_BYTES } from "../../ffi/scratch.ts";
import type { Routes } from "../endpoint-check.ts";
import { openSocket } from "./descriptor.ts";
import { HEADS } from "./udp-receive.ts";

/** Messages of one look at the news, and those that may come between a question and its answer. */
const READS_MAX = 64;
/** More than a socket's buffer holds (8192 bytes: raw_recvspace of xnu). */
const STALE_MAX = 1024;

const NETWORK = new Set<number>([
  ROUTE.RTM_ADD,
  ROUTE.RTM_DELETE,
  ROUTE.RTM_CHANGE,
  ROUTE.RTM_NEWADDR,
  ROUTE.RTM_DELADDR,
]);

export interface RouteNews {
  /** An interface changed: up, down, MTU; or something may have been missed. */
  readonly link: boolean;
  /** Addresses or routes of the machine changed; or something may have been missed. */
  readonly network: boolean;
}

/** @returns a descriptor to wait on  @throws SystemError */
export function openRouteSocket(libc: DarwinLibc): number {
  return openSocket(libc, SOCKET.AF_ROUTE, SOCKET.SOCK_RAW, 0);
}

/** Take what there is. */
export function readRouteNews(libc: DarwinLibc, fd: number): RouteNews {
  const { view, at } = libc.scratch;
  let [link, network] = [false, false];
  for (let i = 0; i < READS_MAX; i++) {
    const length = libc.read(fd, at(0), SCRATCH_BYTES);
    if (length === -EINTR) continue;
    if (length === -ENOBUFS) link = network = true;
    if (length < 0) break;
    const type = messageType(view, length);
    if (type === ROUTE.RTM_IFINFO) link = true;
    else if (type !== undefined && NETWORK.has(type)) network = true;
  }
  return { link, network };
}

/** @returns undefined for what is cut short, or of another version */
function messageType(view: DataView, length: number): number | undefined {
  const isWhole = length > RT_MSGHDR.type && view.getUint16(RT_MSGHDR.length, true) <= length;
  return isWhole && view.getUint8(RT_MSGHDR.version) === ROUTE.RTM_VERSION ? view.getUint8(RT_MSGHDR.type) : undefined;
}

export class RouteQuery implements Routes {
  readonly #libc: DarwinLibc;
  readonly #fd: number;
  #sequence = 0;

  /** @throws SystemError */
  constructor(libc: DarwinLibc) {
    this.#libc = libc;
    this.#fd = openRouteSocket(libc);
  }

  /** macOS routes by the destination alone: no mark, no port. */
  ask({ to }: { to: Uint8Array }): { interface: number } | undefined | "no answer" {
    const { view, at } = this.#libc.scratch;
    this.#forgetNews();
    this.#sequence = (this.#sequence + 1) & 0x7fffffff;
    const length = this.#write(to);
    const written = this.#libc.write(this.#fd, at(0), length);
    if (written === -ESRCH) return undefined;
    if (written !== length) return "no answer";
    for (let i = 0; i < READS_MAX; i++) {
      const read = this.#libc.read(this.#fd, at(0), SCRATCH_BYTES);
      if (read === -EINTR) continue;
      if (read < 0) return "no answer";
      if (read < RT_MSGHDR.BYTES || messageType(view, read) !== ROUTE.RTM_GET) continue;
      // Others number theirs from 1, too, and everybody hears all answers.
      if (view.getInt32(RT_MSGHDR.pid, true) !== process.pid) continue;
      if (view.getInt32(RT_MSGHDR.sequence, true) !== this.#sequence) continue;
      const error = view.getInt32(RT_MSGHDR.error, true);
      if (error === ESRCH) return undefined;
      return error === 0 ? { interface: view.getUint16(RT_MSGHDR.index, true) } : "no answer";
    }
    return "no answer";
  }

  /** Read until nothing waits. */
  #forgetNews(): void {
    const { at } = this.#libc.scratch;
    for (let i = 0; i < STALE_MAX; i++) {
      const read = this.#libc.read(this.#fd, at(0), SCRATCH_BYTES);
      if (read < 0 && read !== -EINTR && read !== -ENOBUFS) return;
    }
  }

  /** The destination, and an empty place for the interface: without it the answer names none. @returns bytes */
  #write(to: Uint8Array): number {
    const { bytes, view } = this.#libc.scratch;
    const size = to.length === 4 ? SOCKADDR_IN.BYTES : SOCKADDR_IN6.BYTES;
    const device = RT_MSGHDR.BYTES + size;
    const length = device + SOCKADDR_DL.BYTES;
    bytes.fill(0, 0, length);
    view.setUint16(RT_MSGHDR.length, length, true);
    view.setUint8(RT_MSGHDR.version, ROUTE.RTM_VERSION);
    view.setUint8(RT_MSGHDR.type, ROUTE.RTM_GET);
    view.setInt32(RT_MSGHDR.addresses, ROUTE.RTA_DST | ROUTE.RTA_IFP, true);
    view.setInt32(RT_MSGHDR.sequence, this.#sequence, true);
    view.setUint16(RT_MSGHDR.BYTES, to.length === 4 ? HEADS.v4 : HEADS.v6, true);
    bytes.set(to, RT_MSGHDR.BYTES + (to.length === 4 ? SOCKADDR_IN.address : SOCKADDR_IN6.address));
    view.setUint8(device + SOCKADDR_DL.length, SOCKADDR_DL.BYTES);
    view.setUint8(device + SOCKADDR_DL.family, SOCKET.AF_LINK);
    return length;
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}
