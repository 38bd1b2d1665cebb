/** IP, outbound (RFC 791, RFC 8200): chooses source and size, writes headers in place in the sink's room, and sends. */
import type { IpAddress } from "../address.ts";
import { complement, fold, sum } from "../checksum.ts";
import type { NetCounters } from "../counters.ts";
import type { RandomSource } from "../random.ts";
import type { PacketSink } from "../sink.ts";
import type { Flow, IpOutput } from "../transport.ts";
import {
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP,
  PACKET_BYTES_MAX,
  VNET_BYTES,
  writePlainVnet,
  writeVnet,
} from "../vnet.ts";
import type { Addresses } from "./addresses.ts";
import { Fragmentation } from "./fragmentation.ts";
import { LOOPBACK_MTU, type Loopback } from "./loopback.ts";
import type { PathMtu } from "./path-mtu.ts";
import { HOP_LIMIT, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, TCP } from "./protocols.ts";

const DONT_FRAGMENT = 0x4000;

export class SinkOutput implements IpOutput {
  readonly #sink: PacketSink;
  readonly #loopback: Loopback;
  readonly #addresses: Addresses;
  readonly #pathMtu: PathMtu;
  readonly #counters: NetCounters;
  readonly #fragmentation: Fragmentation;
  bytes: Uint8Array;
  view: DataView;
  // The packet between reserve and commit, and where it goes.
  #current: PacketSink;
  #at = 0;
  #length = 0;
  #header = 0;
  #protocol = 0;
  #flow: Flow | undefined;

  constructor(
    sinks: { tunnel: PacketSink; loopback: Loopback },
    addresses: Addresses,
    pathMtu: PathMtu,
    counters: NetCounters,
    random: RandomSource,
  ) {
    const sink = sinks.tunnel;
    this.#sink = this.#current = sink;
    this.#loopback = sinks.loopback;
    this.#addresses = addresses;
    this.#pathMtu = pathMtu;
    this.#counters = counters;
    this.bytes = sink.bytes;
    this.view = sink.view;
    this.#fragmentation = new Fragmentation(sink, random, {
      writeIpv4: (at, flow, protocol, length) => this.#writeIpv4(at, flow, protocol, length),
      writeIpv6: (at, flow, protocol, length) => this.#writeIpv6(at, flow, protocol, length),
      commit: (at, length) => this.#commit(at, length),
    });
  }

  get mtuEpoch(): number {
    return this.#pathMtu.epoch;
  }

  source(destination: IpAddress): IpAddress | undefined {
    return this.#addresses.sourceFor(destination);
  }

  mayReach(destination: IpAddress): boolean {
    return this.#addresses.mayReach(destination);
  }

  isOurs(address: IpAddress): boolean {
    return this.#addresses.has(address.w0, address.w1, address.w2, address.w3);
  }

  pathMtu(destination: IpAddress): number {
    return this.isOurs(destination) ? LOOPBACK_MTU : this.#pathMtu.to(destination);
  }

  lowerMtu(destination: IpAddress, mtu: number): void {
    this.#pathMtu.lower(destination, mtu);
  }

  raiseMtu(destination: IpAddress, mtu: number): void {
    this.#pathMtu.raise(destination, mtu);
  }

  ready(destination: IpAddress): boolean {
    return this.isOurs(destination) || (this.#sink.ready?.(destination) ?? true);
  }

  reserve(flow: Flow, protocol: number, length: number): number {
    const ipv4 = flow.remote.family === 4;
    const header = ipv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const sink = this.isOurs(flow.remote) ? this.#loopback : this.#sink;
    const at = sink.reserve(VNET_BYTES + header + length);
    if (at < 0) return -1;
    this.#current = sink;
    this.bytes = sink.bytes;
    this.view = sink.view;
    this.#at = at;
    this.#length = length;
    this.#header = header;
    this.#protocol = protocol;
    this.#flow = flow;
    if (ipv4) this.#writeIpv4(at + VNET_BYTES, flow, protocol, length);
    else this.#writeIpv6(at + VNET_BYTES, flow, protocol, length);
    return at + VNET_BYTES + header;
  }

  sendDatagram(flow: Flow, protocol: number, payload: Uint8Array): "sent" | "full" | "too big" {
    const header = flow.remote.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    if (payload.length + (header === IPV4_HEADER_BYTES ? header : 0) > PACKET_BYTES_MAX) return "too big";
    const mtu = this.pathMtu(flow.remote);
    if (header + payload.length > mtu && !this.isOurs(flow.remote)) {
      this.#current = this.#sink;
      return this.#fragmentation.send(flow, protocol, payload, mtu);
    }
    if (header + payload.length > PACKET_BYTES_MAX) return "too big";
    const start = this.reserve(flow, protocol, payload.length);
    if (start < 0) return "full";
    this.bytes.set(payload, start);
    this.commit(-1, 0, 0);
    return "sent";
  }

  #writeIpv4(at: number, flow: Flow, protocol: number, length: number): void {
    const { view } = this.#current;
    view.setUint16(at, 0x4500 | flow.trafficClass);
    view.setUint16(at + 2, IPV4_HEADER_BYTES + length);
    // RFC 6864: with DF the identification means nothing.
    view.setUint32(at + 4, DONT_FRAGMENT);
    view.setUint32(at + 8, ((flow.hopLimit || HOP_LIMIT) << 24) | (protocol << 16));
    view.setInt32(at + 12, flow.local.w3);
    view.setInt32(at + 16, flow.remote.w3);
    view.setUint16(at + 10, complement(sum(view, at, at + IPV4_HEADER_BYTES)));
  }

  #writeIpv6(at: number, flow: Flow, protocol: number, length: number): void {
    const { view } = this.#current;
    const { local, remote, trafficClass, hopLimit } = flow;
    view.setUint32(at, (6 << 28) | (trafficClass << 20));
    view.setUint16(at + 4, length);
    view.setUint16(at + 6, (protocol << 8) | (hopLimit || HOP_LIMIT));
    view.setInt32(at + 8, local.w0);
    view.setInt32(at + 12, local.w1);
    view.setInt32(at + 16, local.w2);
    view.setInt32(at + 20, local.w3);
    view.setInt32(at + 24, remote.w0);
    view.setInt32(at + 28, remote.w1);
    view.setInt32(at + 32, remote.w2);
    view.setInt32(at + 36, remote.w3);
  }

  commit(checksumOffset: number, headers: number, segment: number): void {
    const at = this.#at;
    const header = this.#header;
    const length = VNET_BYTES + header + this.#length;
    if (checksumOffset < 0) {
      writePlainVnet(this.view, at);
    } else {
      this.view.setUint16(at + VNET_BYTES + header + checksumOffset, fold(this.#pseudoHeader()));
      const ipv4 = header === IPV4_HEADER_BYTES;
      const gso = segment === 0 ? GSO_NONE : this.#protocol !== TCP ? GSO_UDP : ipv4 ? GSO_TCPV4 : GSO_TCPV6;
      writeVnet(this.view, at, gso, header + headers, segment, header, checksumOffset);
    }
    this.#commit(at, length);
  }

  #commit(at: number, length: number): void {
    this.#counters.add("packetsOut");
    this.#counters.add("bytesOut", length - VNET_BYTES);
    this.#current.commit(at, length);
  }

  #pseudoHeader(): number {
    const { local, remote } = this.#flow!;
    let total = this.#protocol + this.#length + halves(local.w3) + halves(remote.w3);
    if (this.#header === IPV6_HEADER_BYTES) {
      total += halves(local.w0) + halves(local.w1) + halves(local.w2);
      total += halves(remote.w0) + halves(remote.w1) + halves(remote.w2);
    }
    return total;
  }
}

function halves(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}
