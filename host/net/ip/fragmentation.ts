/**
 * Cuts a datagram that is larger than its path into fragments (RFC 791, RFC 8200 §4.5): all but the last as large as fits, in
 * multiples of eight bytes. The transport's checksum is in the datagram already.
 */
import type { RandomSource } from "../random.ts";
import type { PacketSink } from "../sink.ts";
import type { Flow } from "../transport.ts";
import { VNET_BYTES, writePlainVnet } from "../vnet.ts";
import { sealIpv4 } from "./header.ts";
import { FRAGMENT, FRAGMENT_HEADER_BYTES, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "./protocols.ts";

const MORE_FRAGMENTS_IPV4 = 0x2000;
const MORE_FRAGMENTS_IPV6 = 1;

export interface FragmentWriter {
  writeIpv4(at: number, flow: Flow, protocol: number, length: number): void;
  writeIpv6(at: number, flow: Flow, protocol: number, length: number): void;
  /** Of a packet with its vnet header. */
  commit(at: number, length: number): void;
}

export class Fragmentation {
  readonly #sink: PacketSink;
  readonly #random: RandomSource;
  readonly #writer: FragmentWriter;
  /** IPv4's counts, so that a number comes again as late as can be; it begins anywhere. */
  #identification: number;

  constructor(sink: PacketSink, random: RandomSource, writer: FragmentWriter) {
    this.#sink = sink;
    this.#random = random;
    this.#writer = writer;
    this.#identification = random.word() & 0xffff;
  }

  /**
   * @param payload transport header and data
   * @returns "full" if the sink had no room and nothing was sent; "too big" when not even eight bytes fit into a packet. When room
   * ends half-way the rest is lost, as fragments may be
   */
  send(flow: Flow, protocol: number, payload: Uint8Array, mtu: number): "sent" | "full" | "too big" {
    const ipv4 = flow.remote.family === 4;
    const headers = ipv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES;
    const step = (mtu - headers) & ~7;
    if (step < 8) return "too big";
    this.#identification = (this.#identification + 1) & 0xffff;
    const identification = ipv4 ? this.#identification : this.#random.word();
    for (let offset = 0; offset < payload.length; offset += step) {
      const end = Math.min(offset + step, payload.length);
      const length = VNET_BYTES + headers + end - offset;
      const at = this.#sink.reserve(length);
      if (at < 0) return offset === 0 ? "full" : "sent";
      const { bytes, view } = this.#sink;
      writePlainVnet(view, at);
      const packet = at + VNET_BYTES;
      const more = end < payload.length;
      if (ipv4) {
        this.#writer.writeIpv4(packet, flow, protocol, end - offset);
        view.setUint16(packet + 4, identification);
        view.setUint16(packet + 6, (offset >> 3) | (more ? MORE_FRAGMENTS_IPV4 : 0));
        sealIpv4(view, packet, IPV4_HEADER_BYTES);
      } else {
        this.#writer.writeIpv6(packet, flow, FRAGMENT, FRAGMENT_HEADER_BYTES + end - offset);
        const fragment = packet + IPV6_HEADER_BYTES;
        view.setUint16(fragment, protocol << 8);
        view.setUint16(fragment + 2, offset | (more ? MORE_FRAGMENTS_IPV6 : 0));
        view.setUint32(fragment + 4, identification);
      }
      bytes.set(payload.subarray(offset, end), packet + headers);
      this.#writer.commit(at, length);
    }
    return "sent";
  }
}
