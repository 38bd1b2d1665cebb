/**
 * The UDP sockets of one WireGuard device: IPv4 and IPv6 on the same port, either of which the machine
 * may lack. Descriptors and bytes lie in linear memory (assembly/abi.ts). Binding may throw; sending
 * and receiving never do.
 */

import { SystemError } from "../../errors.ts";
import { INET, SOCKET } from "../../ffi/constants.ts";
import { EADDRNOTAVAIL, EAFNOSUPPORT } from "../../ffi/errno.ts";
import { SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { kernelAtLeast } from "../../platform.ts";
import { bindFamilies } from "../bind-families.ts";
import type { BoundSockets } from "../machine.ts";
import { getOption, setOption } from "../socket-option.ts";
import { UdpReceiver, udpReceiveBytes } from "./udp-receive.ts";
import { returnUdpSocket, takeUdpSocket } from "./udp-reserve.ts";
import { UDP_SEND_BYTES, UdpSender } from "./udp-send.ts";

export interface UdpOptions {
  /** Send trains (UDP_SEGMENT). Default true: if the kernel can. */
  segmentation?: boolean;
  /** Receive trains (UDP_GRO; Linux ≥ 5.12). Default true: if the kernel can. */
  coalescing?: boolean;
  /** Join other sockets on a port that share it (SO_REUSEPORT): the kernel gives each sender to one of them. */
  reusePort?: boolean;
  /** See UdpSenderOptions, as the next one. */
  onSegmentationRefused?: (errno: number) => void;
  clock?: () => number;
}

export interface UdpArea {
  /** 8-byte aligned offset of udpBytes(slots) bytes for the kernel's structs. */
  control: number;
  /** Offset of receive slot 0; slot i is at buffer + i · MESSAGE_BYTES_MAX. */
  buffer: number;
  /** Receive slots: messages per system call. */
  slots: number;
  /** Most descriptors of one send(). */
  messages: number;
}

/** Linear memory for the kernel's structs. */
export function udpBytes(slots: number): number {
  return UDP_SEND_BYTES + udpReceiveBytes(slots);
}

export interface UdpSockets extends BoundSockets {
  /** The kernel hands over trains. */
  readonly coalesces: boolean;
}

const NONE: UdpSockets = { v4: -1, v6: -1, port: 0, coalesces: false };

export class LinuxUdp {
  readonly receiver: UdpReceiver;
  readonly sender: UdpSender;
  readonly #libc: Libc;
  readonly #coalescing: boolean;
  readonly #reusePort: boolean;
  #sockets = NONE;

  constructor(libc: Libc, area: UdpArea, options: UdpOptions = {}) {
    this.#libc = libc;
    // Before Linux 5.12, UDP_GRO miscounted checksums of packets that came through other tunnels.
    this.#coalescing = (options.coalescing ?? true) && kernelAtLeast(5, 12);
    this.#reusePort = options.reusePort ?? false;
    const { onSegmentationRefused, clock } = options;
    this.sender = new UdpSender(libc, area.control, area.messages, {
      segmentation: (options.segmentation ?? true) && canSegment(libc),
      ...(onSegmentationRefused && { onSegmentationRefused }),
      ...(clock && { clock }),
    });
    this.receiver = new UdpReceiver(libc, area.control + UDP_SEND_BYTES, area.buffer, area.slots);
  }

  /** What is open now. */
  get sockets(): UdpSockets {
    return this.#sockets;
  }

  /** Descriptor of the IPv4 socket, −1 when there is none. */
  get v4(): number {
    return this.#sockets.v4;
  }

  /** Descriptor of the IPv6 socket, −1 when there is none. */
  get v6(): number {
    return this.#sockets.v6;
  }

  /** The port both are bound to; 0 before open(). */
  get port(): number {
    return this.#sockets.port;
  }

  /** Whether the kernel hands over trains. */
  get coalesces(): boolean {
    return this.#sockets.coalesces;
  }

  /** Bind both families, and close what was open before. As `bind`, which it leaves open when it throws. */
  open(port: number, mark = 0): void {
    this.replace(this.bind(port, mark));
  }

  /**
   * New sockets, not in use yet: those that are open stay so.
   * @param port 0 for one that is free in both families; never the one that is open, unless it is shared
   * @param mark fwmark; 0 for none
   * @throws PortInUseError, SystemError
   */
  bind(port: number, mark = 0): UdpSockets {
    const sockets = bindFamilies(
      port,
      {
        open: (family, wanted) => this.#openFamily(family, wanted),
        portOf: (fd) => this.#boundPort(fd),
        close: (fd) => this.#libc.close(fd),
      },
      ({ v4, v6 }) => {
        if (mark !== 0) this.#mark([v4, v6], mark);
      },
    );
    return { ...sockets, coalesces: this.#isCoalescing(sockets.v4 < 0 ? sockets.v6 : sockets.v4) };
  }

  /** Use these from now on, and close those that were in use. */
  replace(sockets: UdpSockets): void {
    const before = this.#sockets;
    this.#sockets = sockets;
    this.discard(before);
  }

  /** Close sockets that `bind` made and nobody wants. */
  discard({ v4, v6 }: Pick<UdpSockets, "v4" | "v6">): void {
    for (const fd of [v4, v6]) if (fd >= 0) this.#libc.close(fd);
  }

  /** Use sockets that another thread opened, or another process left behind. @param v6 −1 for none, as v4 */
  adopt(v4: number, v6: number): void {
    // Those it had were adopted as well: their owner has closed them, and the numbers may be somebody else's by now.
    const fd = v4 < 0 ? v6 : v4;
    this.#sockets = { v4, v6, port: this.#boundPort(fd), coalesces: this.#isCoalescing(fd) };
  }

  /** Forget the sockets without closing them: they belong to someone else. */
  release(): void {
    this.#sockets = NONE;
  }

  /** Set SO_MARK on both. @throws SystemError (EPERM without CAP_NET_RAW, before Linux 5.17 CAP_NET_ADMIN) */
  setMark(mark: number): void {
    this.#mark([this.v4, this.v6], mark);
  }

  #mark(sockets: readonly number[], mark: number): void {
    for (const fd of sockets) {
      // The mark is unsigned, and setInt32 keeps its bits.
      if (fd >= 0) check("SO_MARK", setOption(this.#libc, fd, SOCKET.SOL_SOCKET, SOCKET.SO_MARK, mark));
    }
  }

  #isCoalescing(fd: number): boolean {
    return getOption(this.#libc, fd, INET.IPPROTO_UDP, INET.UDP_GRO) === 1;
  }

  /**
   * Take what is waiting in one family's socket. See UdpReceiver.receive.
   * @returns messages received, 0 when none waits, or −errno
   */
  receive(family: 4 | 6, descriptors: number, most?: number): number {
    const fd = family === 4 ? this.#sockets.v4 : this.#sockets.v6;
    return fd < 0 ? 0 : this.receiver.receive(fd, family, descriptors, most);
  }

  /**
   * Send descriptors of either family: one system call for each family when all goes well.
   * @returns 0 when all went well; otherwise look at sender.errors and sender.sourceCleared
   */
  send(descriptors: number, count: number): number {
    const { sender } = this;
    const { v4, v6 } = this.#sockets;
    return sender.send(v4, 4, descriptors, count) + sender.send(v6, 6, descriptors, count);
  }

  close(): void {
    this.replace(NONE);
  }

  /** @returns a bound socket, or −1 when this machine does not have the family  @throws SystemError */
  #openFamily(family: 4 | 6, port: number): number {
    const libc = this.#libc;
    const domain = family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
    const fd = takeUdpSocket(libc, family);
    if (fd === -EAFNOSUPPORT) return -1;
    check("socket", fd);
    if (family === 6) setOption(libc, fd, INET.IPPROTO_IPV6, INET.IPV6_V6ONLY, 1);
    if (this.#reusePort) setOption(libc, fd, SOCKET.SOL_SOCKET, SOCKET.SO_REUSEPORT, 1);
    const { bytes, view, at } = libc.scratch;
    bytes.fill(0, 0, SOCKADDR_IN6.BYTES);
    view.setUint16(SOCKADDR_IN.family, domain, true);
    view.setUint16(SOCKADDR_IN.port, port, false);
    const result = libc.bind(fd, at(0), family === 4 ? SOCKADDR_IN.BYTES : SOCKADDR_IN6.BYTES);
    if (result < 0) {
      returnUdpSocket(libc, fd, family);
      // IPv6 switched off by sysctl: sockets can be had, addresses not.
      if (result === -EADDRNOTAVAIL) return -1;
      throw new SystemError("bind", -result, `UDP port ${port}`);
    }
    this.#configure(fd, family);
    return fd;
  }

  /**
   * Best effort: what is refused here is missed, not fatal. As the kernel's own tunnels, packets go without DF and are cut
   * where a path is known to be narrow: nobody waits for an ICMP error that a firewall drops.
   */
  #configure(fd: number, family: 4 | 6): void {
    const set = (level: number, option: number, value: number) => setOption(this.#libc, fd, level, option, value);
    if (family === 4) {
      set(INET.IPPROTO_IP, INET.IP_PKTINFO, 1);
      set(INET.IPPROTO_IP, INET.IP_RECVTOS, 1);
      set(INET.IPPROTO_IP, INET.IP_MTU_DISCOVER, INET.IP_PMTUDISC_DONT);
    } else {
      set(INET.IPPROTO_IPV6, INET.IPV6_RECVPKTINFO, 1);
      set(INET.IPPROTO_IPV6, INET.IPV6_RECVTCLASS, 1);
      set(INET.IPPROTO_IPV6, INET.IPV6_MTU_DISCOVER, INET.IPV6_PMTUDISC_DONT);
    }
    if (this.#coalescing) set(INET.IPPROTO_UDP, INET.UDP_GRO, 1);
  }

  #boundPort(fd: number): number {
    const { view, at } = this.#libc.scratch;
    view.setUint32(32, SOCKADDR_IN6.BYTES, true);
    check("getsockname", this.#libc.getsockname(fd, at(0), at(32)));
    return view.getUint16(SOCKADDR_IN.port, false);
  }
}

/** Whether the kernel knows UDP_SEGMENT. */
function canSegment(libc: Libc): boolean {
  const type = SOCKET.SOCK_DGRAM | SOCKET.SOCK_CLOEXEC;
  let fd = libc.socket(SOCKET.AF_INET, type, 0);
  if (fd < 0) fd = libc.socket(SOCKET.AF_INET6, type, 0);
  if (fd < 0) return false;
  const known = getOption(libc, fd, INET.IPPROTO_UDP, INET.UDP_SEGMENT) >= 0;
  libc.close(fd);
  return known;
}
