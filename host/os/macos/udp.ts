/** The UDP sockets of one WireGuard device on macOS. Binding may throw; sending and receiving never do. */

import { RX_SLOTS, TX_TRAINS } from "../../core/codes.ts";
import type { Core } from "../../core/core.ts";
import { SystemError } from "../../errors.ts";
import { INET, SOCKET } from "../../ffi/darwin/constants.ts";
import { SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";
import { EADDRNOTAVAIL, EAFNOSUPPORT, EOPNOTSUPP } from "../../ffi/errno.ts";
import { check } from "../../ffi/libc.ts";
import { bindFamilies } from "../bind-families.ts";
import type { BoundSockets } from "../machine.ts";
import { setOption } from "../socket-option.ts";
import type { UdpEnds } from "../tunnel-sockets.ts";
import { prepare } from "./descriptor.ts";
import { MESSAGE_BYTES, Message } from "./message.ts";
import { HEADS, type ReceiveArea, receive } from "./udp-receive.ts";
import { UdpSender } from "./udp-send.ts";

/** What wireguard-go asks for; the kernel grants what it likes (kern.ipc.maxsockbuf). */
const BUFFER_SIZES = [7 << 20, 4 << 20, 2 << 20, 1 << 20];

/** Linear memory that it needs. */
export const UDP_BYTES = 2 * MESSAGE_BYTES;

const NONE: BoundSockets = { v4: -1, v6: -1, port: 0 };

export class DarwinUdp implements UdpEnds {
  readonly #libc: DarwinLibc;
  readonly sender: UdpSender;
  readonly #area: ReceiveArea;
  readonly #received: Message;
  #sockets = NONE;

  /** @param area 8-byte aligned offset of UDP_BYTES that nobody else uses */
  constructor(core: Core, libc: DarwinLibc, area: number) {
    this.#area = { buffer: core.at.rxBuffers, slots: RX_SLOTS };
    this.#libc = libc;
    this.#received = new Message(libc, area);
    this.sender = new UdpSender(libc, new Message(libc, area + MESSAGE_BYTES), TX_TRAINS);
  }

  get sockets(): BoundSockets {
    return this.#sockets;
  }

  bind(port: number): BoundSockets {
    return bindFamilies(port, {
      open: (family, wanted) => this.#openFamily(family, wanted),
      portOf: (fd) => this.#portOf(fd),
      close: (fd) => this.#libc.close(fd),
    });
  }

  /** @returns a bound socket, or −1 when this machine does not have the family  @throws SystemError */
  #openFamily(family: 4 | 6, port: number): number {
    const libc = this.#libc;
    const fd = libc.socket(family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6, SOCKET.SOCK_DGRAM, 0);
    if (fd === -EAFNOSUPPORT) return -1;
    prepare(libc, check("socket", fd));
    if (family === 6) setOption(libc, fd, INET.IPPROTO_IPV6, INET.IPV6_V6ONLY, 1);
    const { bytes, view, at } = libc.scratch;
    bytes.fill(0, 0, SOCKADDR_IN6.BYTES);
    view.setUint16(SOCKADDR_IN.length, family === 4 ? HEADS.v4 : HEADS.v6, true);
    view.setUint16(SOCKADDR_IN.port, port, false);
    const result = libc.bind(fd, at(0), family === 4 ? SOCKADDR_IN.BYTES : SOCKADDR_IN6.BYTES);
    if (result < 0) {
      libc.close(fd);
      if (result === -EADDRNOTAVAIL) return -1;
      throw new SystemError("bind", -result, `UDP port ${port}`);
    }
    this.#configure(fd, family);
    return fd;
  }

  /** Best effort: what is refused here is missed, not fatal. */
  #configure(fd: number, family: 4 | 6): void {
    const set = (level: number, option: number, value: number) => setOption(this.#libc, fd, level, option, value);
    if (family === 4) {
      set(INET.IPPROTO_IP, INET.IP_PKTINFO, 1);
      set(INET.IPPROTO_IP, INET.IP_RECVTOS, 1);
    } else {
      set(INET.IPPROTO_IPV6, INET.IPV6_RECVPKTINFO, 1);
      set(INET.IPPROTO_IPV6, INET.IPV6_RECVTCLASS, 1);
    }
    // More than it grants is refused as a whole, not cut.
    for (const option of [SOCKET.SO_RCVBUF, SOCKET.SO_SNDBUF]) {
      BUFFER_SIZES.some((bytes) => set(SOCKET.SOL_SOCKET, option, bytes) >= 0);
    }
  }

  #portOf(fd: number): number {
    const { view, at } = this.#libc.scratch;
    view.setUint32(32, SOCKADDR_IN6.BYTES, true);
    check("getsockname", this.#libc.getsockname(fd, at(0), at(32)));
    return view.getUint16(SOCKADDR_IN.port, false);
  }

  replace(sockets: BoundSockets): void {
    const before = this.#sockets;
    this.#sockets = sockets;
    this.sender.forget();
    this.discard(before);
  }

  discard({ v4, v6 }: BoundSockets): void {
    for (const fd of [v4, v6]) if (fd >= 0) this.#libc.close(fd);
  }

  /** macOS has nothing of the kind. */
  setMark(): void {
    throw new SystemError("setsockopt", EOPNOTSUPP, "for a mark");
  }

  receive(family: 4 | 6, descriptors: number, most = RX_SLOTS): number {
    const fd = family === 4 ? this.#sockets.v4 : this.#sockets.v6;
    return fd < 0 ? 0 : receive(this.#libc, this.#received, this.#area, fd, family, descriptors, most);
  }

  /** Send descriptors of either family. @returns 0 when all went well; otherwise look at sender.errors and sender.sourceCleared */
  send(descriptors: number, count: number): number {
    const { v4, v6 } = this.#sockets;
    return this.sender.send(v4, 4, descriptors, count) + this.sender.send(v6, 6, descriptors, count);
  }

  close(): void {
    this.replace(NONE);
  }
}
