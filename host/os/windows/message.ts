/**
 * One WSAMSG in linear memory, with a buffer, a socket address and room for control messages, which one call after the other uses: Winsock has
 * no call for many. Addresses of the core's paths (records/path.ts) are moved to and from it word by word, without an object per packet.
 */
import type { Address, Core, MemoryViews } from "../../core/core.ts";
import { pathFamily, pathInterface, pathLocalAt, setPathInterface } from "../../core/records/path.ts";
import { SOCKET, UDP } from "../../ffi/windows/constants.ts";
import { IN_PKTINFO, IN6_PKTINFO, WSABUF, WSACMSGHDR, WSAMSG } from "../../ffi/windows/layout.ts";
import { pathToSocketAddress, socketAddressToPath } from "../socket-address.ts";
import type { Areas } from "./areas.ts";

const NAME_BYTES = 32; // sockaddr_in6, rounded up
const CONTROL_BYTES = 128; // IPV6_PKTINFO 40, IPV6_TCLASS 24, IPV6_HOPLIMIT 24, UDP_SEND_MSG_SIZE or UDP_COALESCED_INFO 24, and some to spare

/** Options of one address family: the same thing under two names. */
const V4 = {
  level: SOCKET.IPPROTO_IP,
  info: SOCKET.IP_PKTINFO,
  infoBytes: IN_PKTINFO.BYTES,
  tos: SOCKET.IP_TOS,
  ecn: SOCKET.IP_ECN,
  hops: SOCKET.IP_TTL,
} as const;
const V6 = {
  level: SOCKET.IPPROTO_IPV6,
  info: SOCKET.IPV6_PKTINFO,
  infoBytes: IN6_PKTINFO.BYTES,
  tos: SOCKET.IPV6_TCLASS,
  ecn: SOCKET.IPV6_ECN,
  hops: SOCKET.IPV6_HOPLIMIT,
} as const;

/** The family alone comes first. */
const HEADS = { v4: SOCKET.AF_INET, v6: SOCKET.AF_INET6 } as const;

/** WSA_CMSG_SPACE of <ws2def.h>. */
const controlSpace = (dataLength: number) => WSACMSGHDR.BYTES + ((dataLength + 7) & ~7);

export class Message {
  /** As WSASendMsg and WSARecvMsg take it. */
  readonly header: Address;
  /** What the last `describe` found of the datagrams' size; 0 for nothing. */
  segment = 0;
  readonly #views: MemoryViews;
  readonly #view: DataView;
  readonly #base: bigint;
  readonly #buffer: Address;
  readonly #name: Address;
  readonly #control: Address;

  /** @param base machine address of linear memory */
  constructor(core: Core, base: bigint, areas: Areas) {
    this.#views = core.views;
    this.#view = core.view;
    this.#base = base;
    this.header = areas.take(WSAMSG.BYTES);
    this.#buffer = areas.take(WSABUF.BYTES);
    this.#name = areas.take(NAME_BYTES);
    this.#control = areas.take(CONTROL_BYTES);
    this.#setPointer(this.header + WSAMSG.name, this.#name);
    this.#setPointer(this.header + WSAMSG.buffers, this.#buffer);
    this.#setPointer(this.header + WSAMSG.control, this.#control);
    core.view.setUint32(this.header + WSAMSG.bufferCount, 1, true);
  }

  #setPointer(field: Address, offset: Address): void {
    this.#view.setBigUint64(field, this.#base + BigInt(offset), true);
  }

  /** Which bytes are sent, or where they are received. */
  setBytes(offset: Address, length: number): void {
    this.#setPointer(this.#buffer + WSABUF.buffer, offset);
    this.#views.words[(this.#buffer + WSABUF.length) >> 2] = length;
  }

  #setLengths(name: number, control: number): void {
    const { words } = this.#views;
    words[(this.header + WSAMSG.nameLength) >> 2] = name;
    words[(this.header + WSAMSG.controlLength) >> 2] = control;
    words[(this.header + WSAMSG.flags) >> 2] = 0;
  }

  // ── receiving ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Offer the whole of both areas: each receive shortens the lengths. */
  offer(): void {
    this.#setLengths(NAME_BYTES, CONTROL_BYTES);
  }

  get isTruncated(): boolean {
    return (this.#views.words[(this.header + WSAMSG.flags) >> 2]! & SOCKET.MSG_TRUNC) !== 0;
  }

  /** Set `path` to where the message came from, and to the local address that it came to. @returns its TOS, of which Windows may tell ECN alone, or −1 for an unknown family */
  describe(path: Address): number {
    if (!socketAddressToPath(this.#views, this.#name, path, HEADS)) return -1;
    const { bytes, words } = this.#views;
    const options = pathFamily(this.#views, path) === 4 ? V4 : V6;
    const end = this.#control + Math.min(words[(this.header + WSAMSG.controlLength) >> 2]!, CONTROL_BYTES);
    let tos = 0;
    this.segment = 0;
    for (let at = this.#control; at + WSACMSGHDR.BYTES <= end; ) {
      const space = words[(at + WSACMSGHDR.length) >> 2]!;
      if (space < WSACMSGHDR.BYTES || at + space > end) break;
      const data = at + WSACMSGHDR.BYTES;
      const level = words[(at + WSACMSGHDR.level) >> 2];
      const type = words[(at + WSACMSGHDR.type) >> 2];
      if (level === SOCKET.IPPROTO_UDP) {
        if (type === UDP.UDP_COALESCED_INFO) this.segment = words[data >> 2]!;
      } else if (level === options.level) {
        if (type === options.info) this.#infoToSource(data, path);
        else if (type === options.tos || type === options.ecn) tos = bytes[data]!;
      }
      at += (space + 7) & ~7;
    }
    return tos;
  }

  #infoToSource(info: Address, path: Address): void {
    const isV4 = pathFamily(this.#views, path) === 4;
    this.#copy(pathLocalAt(path), info, isV4 ? 1 : 4);
    const index = info + (isV4 ? IN_PKTINFO.interface : IN6_PKTINFO.interface);
    setPathInterface(this.#views, path, this.#views.words[index >> 2]!);
  }

  // ── sending ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Address the message.
   * @param source whether the path has a source address to send from
   * @param tos 0 for none
   * @param hops 0 for the system's own
   * @param segment size of the datagrams that Windows makes of it; 0 for a single one
   */
  address(path: Address, source: "from source" | "from any", tos: number, hops: number, segment: number): void {
    const options = pathFamily(this.#views, path) === 4 ? V4 : V6;
    let at = this.#control;
    if (source === "from source") {
      this.#sourceToInfo(path, this.#begin(at, options.level, options.info, options.infoBytes));
      at += controlSpace(options.infoBytes);
    }
    at = this.#option(at, options.level, options.tos, tos);
    at = this.#option(at, options.level, options.hops, hops);
    at = this.#option(at, SOCKET.IPPROTO_UDP, UDP.UDP_SEND_MSG_SIZE, segment);
    this.#setLengths(pathToSocketAddress(this.#views, path, this.#name, HEADS), at - this.#control);
  }

  /** @returns where the next control message goes */
  #option(at: Address, level: number, type: number, value: number): Address {
    if (value === 0) return at;
    this.#views.words[this.#begin(at, level, type, 4) >> 2] = value;
    return at + controlSpace(4);
  }

  /** Start a control message at `at`. @returns where its data go */
  #begin(at: Address, level: number, type: number, dataLength: number): Address {
    const { words } = this.#views;
    words[(at + WSACMSGHDR.length) >> 2] = WSACMSGHDR.BYTES + dataLength;
    words[(at + WSACMSGHDR.length + 4) >> 2] = 0;
    words[(at + WSACMSGHDR.level) >> 2] = level;
    words[(at + WSACMSGHDR.type) >> 2] = type;
    return at + WSACMSGHDR.BYTES;
  }

  #sourceToInfo(path: Address, info: Address): void {
    const isV4 = pathFamily(this.#views, path) === 4;
    this.#copy(info, pathLocalAt(path), isV4 ? 1 : 4);
    const index = info + (isV4 ? IN_PKTINFO.interface : IN6_PKTINFO.interface);
    this.#views.words[index >> 2] = pathInterface(this.#views, path);
  }

  #copy(to: Address, from: Address, words: number): void {
    for (let i = 0; i < words; i++) this.#views.words[(to >> 2) + i] = this.#views.words[(from >> 2) + i]!;
  }
}
