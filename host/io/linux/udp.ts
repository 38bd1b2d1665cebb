/**
 * The UDP sockets of one WireGuard device: IPv4 and IPv6 on the same port, either of which the machine
 * may lack. Descriptors and bytes lie in linear memory (assembly/abi.ts). Binding may throw; sending
 * and receiving never do.
 */

import { PortInUseError, SystemError } from "../../errors.ts";
import { INET, SOCKET } from "../../ffi/constants.ts";
import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT } from "../../ffi/errno.ts";
import { SOCKADDR_IN, SOCKADDR_IN6 } from "../../ffi/layout.ts";
import { check, type Libc } from "../../ffi/libc.ts";
import { kernelAtLeast } from "../platform.ts";
import { getOption, setOption } from "./descriptor.ts";
import { UdpReceiver, udpReceiveBytes } from "./udp-receive.ts";
import { UDP_SEND_BYTES, UdpSender } from "./udp-send.ts";

/** What wireguard-go asks for; the kernel grants what it likes. */
const BUFFER_BYTES = 7 << 20;
/** How often to look for a port that is free in both families. */
const PORT_ATTEMPTS = 100;

export interface UdpOptions {
  /** Send trains (UDP_SEGMENT). Default true: if the kernel can. */
  segmentation?: boolean;
  /** Receive trains (UDP_GRO; Linux ≥ 5.12). Default true: if the kernel can. */
  coalescing?: boolean;
  /** Join other sockets on a port that share it (SO_REUSEPORT): the kernel gives each sender to one of them. */
  reusePort?: boolean;
  /** Called once, when the kernel refused trains and they are given up. @param errno positive */
  onSegmentationRefused?: (errno: number) => void;
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

export class LinuxUdp {
  readonly receiver: UdpReceiver;
  readonly sender: UdpSender;
  readonly #libc: Libc;
  readonly #coalescing: boolean;
  #v4 = -1;
  #v6 = -1;
  #port = 0;
  readonly #reusePort: boolean;
  #coalesces = false;

  constructor(libc: Libc, area: UdpArea, options: UdpOptions = {}) {
    this.#libc = libc;
    // Before Linux 5.12, UDP_GRO miscounted checksums of packets that came through other tunnels.
    this.#coalescing = (options.coalescing ?? true) && kernelAtLeast(5, 12);
    this.#reusePort = options.reusePort ?? false;
    const { onSegmentationRefused } = options;
    this.sender = new UdpSender(libc, area.control, area.messages, {
      segmentation: (options.segmentation ?? true) && canSegment(libc),
      ...(onSegmentationRefused && { onSegmentationRefused }),
    });
    this.receiver = new UdpReceiver(libc, area.control + UDP_SEND_BYTES, area.buffer, area.slots);
  }

  /** Descriptor of the IPv4 socket, −1 when there is none. */
  get v4(): number {
    return this.#v4;
  }

  /** Descriptor of the IPv6 socket, −1 when there is none. */
  get v6(): number {
    return this.#v6;
  }

  /** The port both are bound to; 0 before open(). */
  get port(): number {
    return this.#port;
  }

  /** Whether the kernel hands over trains. */
  get coalesces(): boolean {
    return this.#coalesces;
  }

  /**
   * Bind both families, after closing what was open.
   * @param port 0 for one that is free in both
   * @param mark fwmark; 0 for none
   * @throws PortInUseError, SystemError
   */
  open(port: number, mark = 0): void {
    this.close();
    for (let attempt = 1; ; attempt++) {
      try {
        this.#v4 = this.#openFamily(4, port);
        this.#port = this.#v4 < 0 ? port : this.#boundPort(this.#v4);
        this.#v6 = this.#openFamily(6, this.#port);
        if (this.#v6 >= 0) this.#port = this.#boundPort(this.#v6);
        if (this.#v4 < 0 && this.#v6 < 0) throw new SystemError("socket", EAFNOSUPPORT, "for UDP");
        if (mark !== 0) this.setMark(mark);
        return;
      } catch (error) {
        this.close();
        const taken = error instanceof SystemError && error.errno === EADDRINUSE;
        if (!taken) throw error;
        if (port !== 0 || attempt === PORT_ATTEMPTS) throw new PortInUseError(port, error);
      }
    }
  }

  /** Use sockets that another thread opened, or another process left behind. @param v6 −1 for none, as v4 */
  adopt(v4: number, v6: number): void {
    // Those it had were adopted as well: their owner has closed them, and the numbers may be somebody else's by now.
    this.release();
    this.#v4 = v4;
    this.#v6 = v6;
    const fd = v4 < 0 ? v6 : v4;
    this.#port = this.#boundPort(fd);
    this.#coalesces = getOption(this.#libc, fd, INET.IPPROTO_UDP, INET.UDP_GRO) === 1;
  }

  /** Forget the sockets without closing them: they belong to someone else. */
  release(): void {
    this.#v4 = -1;
    this.#v6 = -1;
    this.#port = 0;
  }

  /** Set SO_MARK on both. @throws SystemError (EPERM without CAP_NET_ADMIN) */
  setMark(mark: number): void {
    for (const fd of [this.#v4, this.#v6]) {
      // The mark is unsigned, and setInt32 keeps its bits.
      if (fd >= 0) check("SO_MARK", setOption(this.#libc, fd, SOCKET.SOL_SOCKET, SOCKET.SO_MARK, mark));
    }
  }

  /**
   * Take what is waiting in one family's socket. See UdpReceiver.receive.
   * @returns messages received, 0 when none waits, or −errno
   */
  receive(family: 4 | 6, descriptors: number, first?: number, limit?: number): number {
    const fd = family === 4 ? this.#v4 : this.#v6;
    return fd < 0 ? 0 : this.receiver.receive(fd, family, descriptors, first, limit);
  }

  /**
   * Send descriptors of either family: one system call for each family when all goes well.
   * @returns 0 when all went well; otherwise look at sender.errors and sender.sourceCleared
   */
  send(descriptors: number, count: number): number {
    const { sender } = this;
    return sender.send(this.#v4, 4, descriptors, count) + sender.send(this.#v6, 6, descriptors, count);
  }

  close(): void {
    if (this.#v4 >= 0) this.#libc.close(this.#v4);
    if (this.#v6 >= 0) this.#libc.close(this.#v6);
    this.release();
  }

  /** @returns a bound socket, or −1 when this machine does not have the family  @throws SystemError */
  #openFamily(family: 4 | 6, port: number): number {
    const libc = this.#libc;
    const domain = family === 4 ? SOCKET.AF_INET : SOCKET.AF_INET6;
    const fd = libc.socket(domain, SOCKET.SOCK_DGRAM | SOCKET.SOCK_NONBLOCK | SOCKET.SOCK_CLOEXEC, 0);
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
      libc.close(fd);
      // IPv6 switched off by sysctl: sockets can be had, addresses not.
      if (result === -EADDRNOTAVAIL) return -1;
      throw new SystemError("bind", -result, `UDP port ${port}`);
    }
    this.#configure(fd, family);
    return fd;
  }

  /** Best effort: what is refused here is missed, not fatal. */
  #configure(fd: number, family: 4 | 6): void {
    const set = (level: number, option: number, value: number) => setOption(this.#libc, fd, level, option, value);
    set(SOCKET.SOL_SOCKET, SOCKET.SO_RCVBUF, BUFFER_BYTES);
    set(SOCKET.SOL_SOCKET, SOCKET.SO_SNDBUF, BUFFER_BYTES);
    // Beyond net.core.rmem_max and wmem_max; needs CAP_NET_ADMIN.
    set(SOCKET.SOL_SOCKET, SOCKET.SO_RCVBUFFORCE, BUFFER_BYTES);
    set(SOCKET.SOL_SOCKET, SOCKET.SO_SNDBUFFORCE, BUFFER_BYTES);
    if (family === 4) {
      set(INET.IPPROTO_IP, INET.IP_PKTINFO, 1);
      set(INET.IPPROTO_IP, INET.IP_RECVTOS, 1);
    } else {
      set(INET.IPPROTO_IPV6, INET.IPV6_RECVPKTINFO, 1);
      set(INET.IPPROTO_IPV6, INET.IPV6_RECVTCLASS, 1);
    }
    this.#coalesces =
      this.#coalescing &&
      set(INET.IPPROTO_UDP, INET.UDP_GRO, 1) === 0 &&
      getOption(this.#libc, fd, INET.IPPROTO_UDP, INET.UDP_GRO) === 1;
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
