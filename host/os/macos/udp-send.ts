/**
 * The sending half of UDP on macOS: a sendmsg for each datagram of a train. Traffic class and hop limit are options of the socket, set when
 * they differ from those of the datagram before: not every release takes them with a datagram.
 */
import type { MemoryViews } from "../../core/core.ts";
import { clearSource, hasSource, pathFamily, pathInterface, pathLocalAt } from "../../core/records/path.ts";
import { txAt, txHops, txLength, txOffset, txPath, txSegment, txTos } from "../../core/records/tx.ts";
import { INET } from "../../ffi/darwin/constants.ts";
import { IN_PKTINFO, IN6_PKTINFO } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import {
  EADDRNOTAVAIL,
  EAGAIN,
  EHOSTUNREACH,
  EINTR,
  EINVAL,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  ENXIO,
} from "../../ffi/errno.ts";
import { copyWords, pathToSocketAddress } from "../socket-address.ts";
import { getOption, setOption } from "../socket-option.ts";
import { controlSpace, type Message } from "./message.ts";
import { HEADS } from "./udp-receive.ts";

const V4 = {
  level: INET.IPPROTO_IP,
  info: INET.IP_PKTINFO,
  infoBytes: IN_PKTINFO.BYTES,
  tos: INET.IP_TOS,
  hops: INET.IP_TTL,
};
const V6 = {
  level: INET.IPPROTO_IPV6,
  info: INET.IPV6_PKTINFO,
  infoBytes: IN6_PKTINFO.BYTES,
  tos: INET.IPV6_TCLASS,
  hops: INET.IPV6_UNICAST_HOPS,
};
type Names = typeof V4 | typeof V6;

/** What sendmsg says to a source address or interface that went away. */
const SOURCE_ERRORS = new Set([EINVAL, ENETUNREACH, EADDRNOTAVAIL, ENODEV, ENXIO, EHOSTUNREACH]);
/** The socket's or the interface's buffer is full: the rest would fare no better. */
const FULL = new Set([EAGAIN, ENOBUFS]);

/** How a socket is set at the moment. */
interface Setting {
  fd: number;
  tos: number;
  hops: number;
  /** The system's own hop limit. */
  usualHops: number;
}

export class UdpSender {
  /** Per descriptor of the last send(): 0, or the errno (positive) of a datagram that was not sent. */
  readonly errors: Int32Array;
  /** Per descriptor of the last send(): 1 when its cached source no longer works and was cleared in it. */
  readonly sourceCleared: Uint8Array;
  readonly #libc: DarwinLibc;
  readonly #message: Message;
  readonly #settings: Record<4 | 6, Setting>;

  /** @param messages most descriptors of one send() */
  constructor(libc: DarwinLibc, message: Message, messages: number) {
    this.#libc = libc;
    this.#message = message;
    this.errors = new Int32Array(messages);
    this.sourceCleared = new Uint8Array(messages);
    this.#settings = { 4: fresh(-1, 0), 6: fresh(-1, 0) };
  }

  /**
   * Send those of descriptors 0…count−1 that are of this family. Never blocks, never throws.
   * @param fd the family's socket, or −1 when there is none (they fail with EADDRNOTAVAIL)
   * @returns how many entries were set in errors and sourceCleared: 0 when all went well
   */
  send(fd: number, family: 4 | 6, descriptors: number, count: number): number {
    const { views } = this.#message;
    let incidents = 0;
    for (let i = 0; i < count; i++) {
      const descriptor = txAt(descriptors, i);
      if (pathFamily(views, txPath(descriptor)) !== family) continue;
      this.sourceCleared[i] = 0;
      this.errors[i] = fd < 0 ? EADDRNOTAVAIL : this.#sendTrain(fd, family, descriptor, i);
      if (this.errors[i] !== 0) incidents++;
      incidents += this.sourceCleared[i]!;
    }
    return incidents;
  }

  /** @returns 0, or the errno (positive) of the last datagram that was not sent */
  #sendTrain(fd: number, family: 4 | 6, descriptor: number, index: number): number {
    const { views } = this.#message;
    const names = family === 4 ? V4 : V6;
    const offset = txOffset(views, descriptor);
    const length = txLength(views, descriptor);
    const segment = txSegment(views, descriptor) || length;
    this.#set(fd, family, names, txTos(views, descriptor), txHops(views, descriptor));
    let failure = 0;
    for (let at = 0; at < length; ) {
      const size = Math.min(segment, length - at);
      this.#fill(names, family, descriptor, offset + at, size);
      const errno = -Math.min(this.#libc.sendmsg(fd, this.#message.at, 0), 0);
      if (errno === EINTR) continue;
      if (FULL.has(errno)) return errno;
      if (SOURCE_ERRORS.has(errno) && hasSource(views, txPath(descriptor))) {
        clearSource(views, txPath(descriptor));
        this.sourceCleared[index] = 1;
        continue; // once more, without
      }
      if (errno !== 0) failure = errno;
      at += size;
    }
    return failure;
  }

  #fill(names: Names, family: 4 | 6, descriptor: number, offset: number, length: number): void {
    const message = this.#message;
    const { views } = message;
    const path = txPath(descriptor);
    let controlLength = 0;
    if (hasSource(views, path)) {
      sourceToPacketInfo(views, path, family, message.beginControl(names.level, names.info, names.infoBytes));
      controlLength = controlSpace(names.infoBytes);
    }
    message.setBytes(offset, length);
    message.setLengths(pathToSocketAddress(views, path, message.name, HEADS), controlLength);
  }

  /** @param hops 0 for the usual limit */
  #set(fd: number, family: 4 | 6, names: Names, tos: number, hops: number): void {
    let setting = this.#settings[family];
    if (setting.fd !== fd) {
      setting = fresh(fd, Math.max(getOption(this.#libc, fd, names.level, names.hops), 0));
      this.#settings[family] = setting;
    }
    if (setting.tos !== tos) setOption(this.#libc, fd, names.level, names.tos, tos);
    if (setting.hops !== hops) setOption(this.#libc, fd, names.level, names.hops, hops || setting.usualHops);
    setting.tos = tos;
    setting.hops = hops;
  }

  /** The sockets are others: they may have the numbers of those before. */
  forget(): void {
    for (const family of [4, 6] as const) this.#settings[family] = fresh(-1, 0);
  }
}

function fresh(fd: number, usualHops: number): Setting {
  return { fd, tos: 0, hops: 0, usualHops };
}

/**
 * The source of a datagram. An interface would take precedence over the address (udp_output of xnu), so it is named only where the address
 * says nothing without one: of IPv6 link-local addresses.
 */
function sourceToPacketInfo(views: MemoryViews, path: number, family: 4 | 6, info: number): void {
  const { words, bytes } = views;
  const local = pathLocalAt(path);
  if (family === 4) {
    words[(info + IN_PKTINFO.interface) >> 2] = 0;
    words[(info + IN_PKTINFO.local) >> 2] = words[local >> 2]!;
    words[(info + IN_PKTINFO.destination) >> 2] = 0;
    return;
  }
  const isLinkLocal = bytes[local] === 0xfe && (bytes[local + 1]! & 0xc0) === 0x80;
  copyWords(words, info + IN6_PKTINFO.address, local, 4);
  words[(info + IN6_PKTINFO.interface) >> 2] = isLinkLocal ? pathInterface(views, path) : 0;
}
