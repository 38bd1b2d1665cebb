/** UDP of Windows: a socket for each address family on one port, each with an event that tells when datagrams wait. */
import { MESSAGE_BYTES_MAX, RX_SLOTS } from "../../core/codes.ts";
import type { Address, Core } from "../../core/core.ts";
import { fillRx, rxAt, rxPath } from "../../core/records/rx.ts";
import { SystemError } from "../../errors.ts";
import { EADDRINUSE } from "../../ffi/errno.ts";
import { ERROR, SOCKET, UDP } from "../../ffi/windows/constants.ts";
import { SOCKADDR_IN, SOCKADDR_IN6, WSADATA_BYTES } from "../../ffi/windows/layout.ts";
import type { Win32 } from "../../ffi/windows/win32.ts";
import { WindowsError } from "../../ffi/windows/windows-errors.ts";
import { bindFamilies } from "../bind-families.ts";
import type { BoundSockets, Log } from "../machine.ts";
import type { UdpEnds } from "../tunnel-sockets.ts";
import type { Areas } from "./areas.ts";
import { Coalescing } from "./coalescing.ts";
import { Message } from "./message.ts";
import type { Outer } from "./outer-interface.ts";
import { ReceiveCall } from "./receive-call.ts";
import { TrainRest } from "./train-rest.ts";

const NONE: BoundSockets = { v4: -1, v6: -1, port: 0 };
const WINSOCK_2_2 = 0x0202;
/** By itself Windows holds 64 KiB: a millisecond of a fast sender. */
const BUFFER_BYTES = 4 << 20;
/** Of what came back as an error of ICMP's, or was too long, before others get their turn. */
const USELESS_MAX = 64;

/** What a receive says of datagrams that were sent, and of one that is longer than any of ours. */
const USELESS: ReadonlySet<number> = new Set([ERROR.WSAECONNRESET, ERROR.WSAENETRESET, ERROR.WSAEMSGSIZE]);

export interface UdpOptions {
  readonly core: Core;
  readonly win: Win32;
  readonly areas: Areas;
  /** Send trains (USO). Default true: if Windows can. */
  readonly segmentation?: boolean;
  /** Receive trains (URO). Default true: if Windows can. */
  readonly coalescing?: boolean;
  /** No datagram waits any more in this family's socket. */
  drained(family: 4 | 6): void;
  readonly log: Log;
}

export class Udp implements UdpEnds {
  /** Signalled when datagrams wait that did not before. */
  readonly readable: { readonly v4: number; readonly v6: number };
  readonly #options: UdpOptions;
  readonly #win: Win32;
  readonly #message: Message;
  readonly #call: ReceiveCall;
  readonly #coalescing: Coalescing;
  readonly #rest: TrainRest;
  #sockets = NONE;
  #segmentation = false;
  readonly #outer: Record<4 | 6, Outer> = { 4: "any", 6: "any" };

  /** @throws WindowsError */
  constructor(options: UdpOptions) {
    const { core, win, areas } = options;
    this.#options = options;
    this.#win = win;
    const failed = win.sockets.WSAStartup(WINSOCK_2_2, areas.take(WSADATA_BYTES));
    if (failed !== 0) throw new WindowsError("WSAStartup", failed);
    this.readable = { v4: win.makeEvent(), v6: win.makeEvent() };
    this.#message = new Message(core, win.base, areas);
    this.#call = new ReceiveCall(win, areas, this.#message.header);
    const wanted = options.coalescing === false ? "unwanted" : "wanted";
    this.#coalescing = new Coalescing({ win, views: core.views, wanted, log: options.log });
    this.#rest = new TrainRest(core, areas);
  }

  /** Whether Windows makes datagrams of trains (USO; Windows 10, version 2004, and newer). */
  get segmentation(): boolean {
    return this.#segmentation;
  }

  get sockets(): BoundSockets {
    return this.#sockets;
  }

  /** @returns −1 for none */
  socket(family: 4 | 6): number {
    return family === 4 ? this.#sockets.v4 : this.#sockets.v6;
  }

  /** The one to send by. @returns −1 for none, also where there is no way out of the tunnel */
  sendingSocket(family: 4 | 6): number {
    return this.#outer[family] === "nowhere" ? -1 : this.socket(family);
  }

  /** The way that datagrams take: "nowhere" also after Windows has refused another, be it to a socket that was opened since. */
  way(family: 4 | 6): Outer {
    return this.#outer[family];
  }

  /** Which way datagrams take, of sockets to come too. @returns 0, or the error at which nothing is sent any more */
  leaveBy(family: 4 | 6, outer: Outer): number {
    this.#outer[family] = outer;
    const socket = this.socket(family);
    return socket < 0 || outer === "nowhere" ? 0 : this.#setWay(socket, family);
  }

  /** Otherwise it would go on to leave by the one before. */
  #setWay(socket: number, family: 4 | 6): number {
    const outer = this.#outer[family];
    const index = typeof outer === "number" ? outer : 0;
    const { view, at } = this.#win.scratch;
    // In network byte order for IPv4, and in the machine's for IPv6.
    view.setUint32(0, index, family === 6);
    const [level, option] =
      family === 4 ? [SOCKET.IPPROTO_IP, SOCKET.IP_UNICAST_IF] : [SOCKET.IPPROTO_IPV6, SOCKET.IPV6_UNICAST_IF];
    if (this.#win.sockets.setsockopt(socket, level, option, at(0), 4) === 0) return 0;
    const error = this.#win.sockets.WSAGetLastError();
    this.#outer[family] = "nowhere";
    return error;
  }

  bind(port: number): BoundSockets {
    const calls = {
      open: (family: 4 | 6, on: number) => this.#open(family, on),
      portOf: (socket: number) => this.#portOf(socket),
      close: (socket: number) => void this.#win.sockets.closesocket(socket),
    };
    return bindFamilies(port, calls, ({ v4, v6 }) => this.#call.ask(v4 < 0 ? v6 : v4));
  }

  /** @returns −1 where the machine lacks the family */
  #open(family: 4 | 6, port: number): number {
    const { sockets, scratch } = this.#win;
    const domain = family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
    const flags = SOCKET.WSA_FLAG_OVERLAPPED | SOCKET.WSA_FLAG_NO_HANDLE_INHERIT;
    const socket = sockets.WSASocketW(domain, SOCKET.SOCK_DGRAM, SOCKET.IPPROTO_UDP, 0, 0, flags);
    if (socket < 0) {
      const error = sockets.WSAGetLastError();
      if (error === ERROR.WSAEAFNOSUPPORT) return -1;
      throw new WindowsError("WSASocketW", error);
    }
    // Otherwise another program could bind the same port, and have our datagrams.
    this.#set(socket, SOCKET.SOL_SOCKET, SOCKET.SO_EXCLUSIVEADDRUSE, 1);
    if (family === 6) this.#set(socket, SOCKET.IPPROTO_IPV6, SOCKET.IPV6_V6ONLY, 1);
    scratch.bytes.fill(0, 0, SOCKADDR_IN6.BYTES);
    scratch.view.setUint16(SOCKADDR_IN.family, domain, true);
    scratch.view.setUint16(SOCKADDR_IN.port, port, false);
    const length = family === 4 ? SOCKADDR_IN.BYTES : SOCKADDR_IN6.BYTES;
    if (sockets.bind(socket, scratch.at(0), length) === 0) return this.#configure(socket, family);
    const error = sockets.WSAGetLastError();
    sockets.closesocket(socket);
    // IPv6 switched off: sockets can be had, addresses not.
    if (error === ERROR.WSAEADDRNOTAVAIL) return -1;
    // The second one is of a port that another program has for itself.
    const taken = error === ERROR.WSAEADDRINUSE || error === ERROR.WSAEACCES;
    throw taken
      ? new SystemError("bind", EADDRINUSE, `UDP port ${port}`)
      : new WindowsError("bind", error, `UDP port ${port}`);
  }

  /** Options are best effort: what is refused is missed, not fatal. */
  #configure(socket: number, family: 4 | 6): number {
    const { sockets, scratch } = this.#win;
    this.#set(socket, SOCKET.SOL_SOCKET, SOCKET.SO_RCVBUF, BUFFER_BYTES);
    this.#set(socket, SOCKET.SOL_SOCKET, SOCKET.SO_SNDBUF, BUFFER_BYTES);
    const isV4 = family === 4;
    const level = isV4 ? SOCKET.IPPROTO_IP : SOCKET.IPPROTO_IPV6;
    this.#set(socket, level, isV4 ? SOCKET.IP_PKTINFO : SOCKET.IPV6_PKTINFO, 1);
    // Of the class only ECN is wanted. Windows 10 cannot tell it alone, and what else is told was at odds with trains when msquic tried.
    if (this.#set(socket, level, isV4 ? SOCKET.IP_ECN : SOCKET.IPV6_ECN, 1)) this.#coalescing.ask(socket);
    else this.#set(socket, level, isV4 ? SOCKET.IP_RECVTOS : SOCKET.IPV6_RECVTCLASS, 1);
    // Each train tells its own size. This is what the socket has anyway, and taken only where the option is known.
    const splits = this.#set(socket, SOCKET.IPPROTO_UDP, UDP.UDP_SEND_MSG_SIZE, 0);
    this.#segmentation = splits && this.#options.segmentation !== false;
    if (typeof this.#outer[family] === "number") this.#setWay(socket, family);
    // A port of a peer's that is closed is no error of ours.
    scratch.view.setUint32(0, 0, true);
    sockets.WSAIoctl(socket, SOCKET.SIO_UDP_CONNRESET, scratch.at(0), 4, 0, 0, scratch.at(8), 0, 0);
    if (this.#listen(socket, family)) return socket;
    const error = sockets.WSAGetLastError();
    sockets.closesocket(socket);
    throw new WindowsError("WSAEventSelect", error);
  }

  /** Have the event signalled when datagrams come, or at once if some wait. @returns whether Windows does so */
  #listen(socket: number, family: 4 | 6): boolean {
    const event = family === 4 ? this.readable.v4 : this.readable.v6;
    return this.#win.sockets.WSAEventSelect(socket, event, SOCKET.FD_READ) === 0;
  }

  /** @returns whether Windows took it */
  #set(socket: number, level: number, option: number, value: number): boolean {
    const { view, at } = this.#win.scratch;
    view.setInt32(0, value, true);
    return this.#win.sockets.setsockopt(socket, level, option, at(0), 4) === 0;
  }

  #portOf(socket: number): number {
    const { view, at } = this.#win.scratch;
    view.setInt32(32, SOCKADDR_IN6.BYTES, true);
    if (this.#win.sockets.getsockname(socket, at(0), at(32)) !== 0)
      throw new WindowsError("getsockname", this.#win.sockets.WSAGetLastError());
    return view.getUint16(SOCKADDR_IN.port, false);
  }

  replace(sockets: BoundSockets): void {
    const before = this.#sockets;
    this.#sockets = sockets;
    this.discard(before);
  }

  discard({ v4, v6 }: Pick<BoundSockets, "v4" | "v6">): void {
    for (const socket of [v4, v6]) if (socket >= 0) this.#win.sockets.closesocket(socket);
  }

  close(): void {
    this.replace(NONE);
  }

  /** @throws WindowsError always */
  setMark(): never {
    throw new WindowsError("setsockopt", ERROR.WSAEOPNOTSUPP, "SO_MARK");
  }

  receive(family: 4 | 6, descriptors: Address, most = RX_SLOTS): number {
    // What is left of a train goes first, whichever family's it is, and alone: it lies where others would.
    const before = this.#rest.fill(descriptors, 0, most);
    if (before > 0) return before;
    const socket = this.socket(family);
    let filled = 0;
    for (let slot = 0, useless = 0; socket >= 0 && filled < most && useless < USELESS_MAX; ) {
      const length = this.#receiveOne(socket, rxAt(descriptors, filled), slot);
      if (length > 0) {
        slot++;
        filled = this.#rest.fill(descriptors, filled + 1, most);
      } else if (length === 0 || USELESS.has(-length)) {
        useless++;
      } else {
        this.#options.drained(family);
        // WSARecvMsg is not among the functions that are said to make Windows tell of the next datagram; this is.
        this.#listen(socket, family);
        break;
      }
    }
    if (socket < 0) this.#options.drained(family);
    return filled;
  }

  /** @returns its bytes, 0 for one that is of no use, or −error */
  #receiveOne(socket: number, descriptor: Address, slot: number): number {
    const { core } = this.#options;
    const message = this.#message;
    const at = core.at.rxBuffers + slot * MESSAGE_BYTES_MAX;
    message.setBytes(at, MESSAGE_BYTES_MAX);
    message.offer();
    const length = this.#call.receive(socket);
    if (length <= 0) return length;
    const tos = message.isTruncated ? -1 : message.describe(rxPath(descriptor));
    if (tos < 0) return 0;
    const segment = this.#coalescing.segment(at, length, message.segment, this.#sockets);
    fillRx(core.views, descriptor, at, length, segment, tos);
    this.#rest.cut(descriptor);
    return length;
  }
}
