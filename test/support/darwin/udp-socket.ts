/** A UDP socket of the stand-in, as xnu's udp_output and ip_savecontrol have it. */
import { INET, SOCKET } from "../../../host/ffi/darwin/constants.ts";
import { CMSGHDR, IN_PKTINFO, IN6_PKTINFO } from "../../../host/ffi/darwin/layout.ts";
import { Descriptor, Messages } from "./descriptor.ts";
import { Failure, insist } from "./errno.ts";
import type { Mac } from "./mac.ts";
import { addressBytes, addressText, type Datagram } from "./network.ts";

const EPHEMERAL = 49_152;
/** net.inet.udp.maxdgram, and kern.ipc.maxsockbuf. */
const DATAGRAM_MAX = 9216;
const BUFFER_MAX = 6 << 20;
const DEFAULT_HOPS = 64;
/** en0. */
const INTERFACE = 4;

export interface Control {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

const KNOWN: Record<4 | 6, Set<string>> = {
  4: new Set([INET.IP_TOS, INET.IP_TTL, INET.IP_PKTINFO, INET.IP_RECVTOS].map((o) => `${INET.IPPROTO_IP}:${o}`)),
  6: new Set(
    [
      ...[INET.IPV6_V6ONLY, INET.IPV6_TCLASS, INET.IPV6_UNICAST_HOPS],
      ...[INET.IPV6_RECVPKTINFO, INET.IPV6_RECVTCLASS],
    ].map((option) => `${INET.IPPROTO_IPV6}:${option}`),
  ),
};

export class UdpSocket extends Descriptor {
  readonly family: 4 | 6;
  port = 0;
  readonly #mac: Mac;
  readonly #queue = new Messages<Datagram>();
  readonly #options = new Map<string, number>();

  constructor(mac: Mac, family: 4 | 6) {
    super();
    this.#mac = mac;
    this.family = family;
  }

  bind(port: number): void {
    const taken = new Set([...this.#mac.udpSockets].filter(({ family }) => family === this.family).map((s) => s.port));
    if (taken.has(port)) throw new Failure("EADDRINUSE");
    this.port = port;
    for (let free = EPHEMERAL; this.port === 0; free++) if (!taken.has(free)) this.port = free;
    this.#mac.udpSockets.add(this);
  }

  setOption(level: number, option: number, value: number): void {
    const isBuffer = level === SOCKET.SOL_SOCKET && (option === SOCKET.SO_RCVBUF || option === SOCKET.SO_SNDBUF);
    if (isBuffer && value > BUFFER_MAX) throw new Failure("ENOBUFS");
    if (!isBuffer && !KNOWN[this.family].has(`${level}:${option}`)) throw new Failure("ENOPROTOOPT");
    this.#options.set(`${level}:${option}`, value);
  }

  getOption(level: number, option: number): number {
    if (!KNOWN[this.family].has(`${level}:${option}`)) throw new Failure("ENOPROTOOPT");
    const isHops = option === INET.IP_TTL && (level === INET.IPPROTO_IP || level === INET.IPPROTO_IPV6);
    return this.#options.get(`${level}:${option}`) ?? (isHops ? DEFAULT_HOPS : 0);
  }

  get #level(): number {
    return this.family === 4 ? INET.IPPROTO_IP : INET.IPPROTO_IPV6;
  }

  send(bytes: Uint8Array, to: Datagram["to"], controls: readonly Control[]): void {
    if (bytes.length > DATAGRAM_MAX) throw new Failure("EMSGSIZE");
    let source: string | undefined;
    for (const { level, type, data } of controls) {
      const info = this.family === 4 ? INET.IP_PKTINFO : INET.IPV6_PKTINFO;
      // xnu passes over what it does not know.
      if (level !== this.#level || type !== info) continue;
      insist(data.length === (this.family === 4 ? IN_PKTINFO.BYTES : IN6_PKTINFO.BYTES), "length of pktinfo");
      const at = this.family === 4 ? IN_PKTINFO.local : IN6_PKTINFO.address;
      const index = new DataView(data.buffer, data.byteOffset).getUint32(
        this.family === 4 ? IN_PKTINFO.interface : IN6_PKTINFO.interface,
        true,
      );
      if (index > Math.max(...this.#mac.interfaces.map((one) => one.index))) throw new Failure("ENXIO");
      const text = addressText(data.subarray(at, at + (this.family === 4 ? 4 : 16)));
      // An interface takes precedence over the address in IPv4.
      if (this.family === 4 && index !== 0) continue;
      if (!this.#mac.hasAddress(text)) throw new Failure("EADDRNOTAVAIL", text);
      source = text;
    }
    const from = { address: source ?? this.#mac.sourceFor(this.family), port: this.port };
    const [tos, hops] = this.family === 4 ? [INET.IP_TOS, INET.IP_TTL] : [INET.IPV6_TCLASS, INET.IPV6_UNICAST_HOPS];
    this.#mac.network.carry({
      bytes: bytes.slice(),
      from,
      to,
      tos: this.getOption(this.#level, tos),
      hops: this.getOption(this.#level, hops),
    });
  }

  arrive(datagram: Datagram): void {
    this.#queue.push(datagram);
  }

  override get waiting(): number {
    return this.#queue.length;
  }

  take(): { datagram: Datagram; controls: Control[] } {
    const datagram = this.#queue.take();
    const level = this.#level;
    const has = (option: number): boolean => this.#options.get(`${level}:${option}`) === 1;
    const controls: Control[] = [];
    if (has(this.family === 4 ? INET.IP_RECVTOS : INET.IPV6_RECVTCLASS)) {
      const type = this.family === 4 ? INET.IP_RECVTOS : INET.IPV6_TCLASS;
      const data = new Uint8Array(this.family === 4 ? 1 : 4);
      data[0] = datagram.tos;
      controls.push({ level, type, data });
    }
    if (has(this.family === 4 ? INET.IP_PKTINFO : INET.IPV6_RECVPKTINFO)) {
      controls.push({
        level,
        type: this.family === 4 ? INET.IP_PKTINFO : INET.IPV6_PKTINFO,
        data: this.#info(datagram),
      });
    }
    return { datagram, controls };
  }

  /** Of IPv4 the kernel fills in the interface and where it was sent to, and no local address. */
  #info({ to }: Datagram): Uint8Array {
    const layout = this.family === 4 ? { ...IN_PKTINFO, address: IN_PKTINFO.destination } : IN6_PKTINFO;
    const data = new Uint8Array(layout.BYTES);
    new DataView(data.buffer).setUint32(layout.interface, INTERFACE, true);
    data.set(addressBytes(to.address), layout.address);
    return data;
  }

  override close(): void {
    this.#mac.udpSockets.delete(this);
  }
}

/** Control messages as recvmsg writes them: each header and its data 4-byte aligned. */
export function packControls(controls: readonly Control[]): Uint8Array {
  const pieces = controls.map(({ level, type, data }) => {
    const piece = new Uint8Array(CMSGHDR.BYTES + ((data.length + 3) & ~3));
    const view = new DataView(piece.buffer);
    view.setUint32(CMSGHDR.length, CMSGHDR.BYTES + data.length, true);
    view.setInt32(CMSGHDR.level, level, true);
    view.setInt32(CMSGHDR.type, type, true);
    piece.set(data, CMSGHDR.BYTES);
    return piece;
  });
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

/** What sendmsg reads of them. */
export function unpackControls(bytes: Uint8Array): Control[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const controls: Control[] = [];
  for (let at = 0; at < bytes.length; ) {
    insist(bytes.length - at >= CMSGHDR.BYTES, "room for a cmsghdr");
    const length = view.getUint32(at + CMSGHDR.length, true);
    insist(length >= CMSGHDR.BYTES && at + length <= bytes.length, "cmsg_len");
    controls.push({
      level: view.getInt32(at + CMSGHDR.level, true),
      type: view.getInt32(at + CMSGHDR.type, true),
      data: bytes.slice(at + CMSGHDR.BYTES, at + length),
    });
    at += (length + 3) & ~3;
  }
  return controls;
}
