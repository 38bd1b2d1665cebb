/**
 * IP, inbound (RFC 791, RFC 8200): checks headers, puts fragments together and finds the transport. What is malformed, not for us, or
 * from nobody who could be answered is counted and dropped; its sender is told where the RFCs want that.
 */
import { MAPPED_WORD } from "../address.ts";
import type { NetCounter, NetCounters } from "../counters.ts";
import type { Inbound } from "../inbound.ts";
import type { Addresses } from "./addresses.ts";
import { type HeaderFault, IpHeader } from "./header.ts";
import { Reassembly, type ReassemblyContext } from "./reassembly.ts";

/** What senders are told of (RFC 792, RFC 4443); sent or not as the rules for ICMP errors and their rate allow. */
export interface IpTroubles {
  /** @param code of the family's Parameter Problem  @param at offset of the offence in the packet */
  parameterProblem(packet: Inbound, code: number, at: number): void;
  /** @param first a fragment with its headers */
  reassemblyTimeExceeded(first: Uint8Array): void;
}

export interface InputContext extends ReassemblyContext {
  readonly counters: NetCounters;
}

const COUNTERS: Record<HeaderFault, NetCounter> = {
  short: "ipTruncated",
  version: "ipHeader",
  checksum: "ipChecksum",
  options: "ipHeader",
  fragment: "ipFragment",
  extension: "ipHeader",
  chain: "ipFragment",
  option: "ipHeader",
  "option-told": "ipHeader",
  "option-told-unicast": "ipHeader",
  routing: "ipHeader",
};

/** Codes of IPv6's Parameter Problem (RFC 4443 §3.4, RFC 7112). IPv4's are 0: the pointer says it (RFC 792). */
const CODES: Partial<Record<HeaderFault, number>> = {
  options: 0,
  fragment: 0,
  "option-told": 2,
  "option-told-unicast": 2,
  routing: 0,
  chain: 3,
};

export class IpInput {
  readonly #addresses: Addresses;
  readonly #counters: NetCounters;
  readonly #troubles: IpTroubles;
  readonly #header = new IpHeader();
  readonly reassembly: Reassembly;

  constructor(context: InputContext, addresses: Addresses, troubles: IpTroubles) {
    this.#addresses = addresses;
    this.#counters = context.counters;
    this.#troubles = troubles;
    this.reassembly = new Reassembly(context, {
      discarded: () => this.#counters.add("ipReassembly"),
      expired: (first) => {
        this.#counters.add("ipReassembly");
        if (first !== undefined) troubles.reassemblyTimeExceeded(first);
      },
    });
  }

  /**
   * Read the packet from `packet.packet` to `packet.end`; `bytes`, `view` and the marks of the vnet header are set.
   * @returns whether there is something for a transport: all fields are then set. After the last fragment of a datagram that is
   * the whole of it, in an array of its own.
   */
  read(packet: Inbound): boolean {
    if (!this.#parse(packet)) return false;
    const header = this.#header;
    if (!header.isFragment) return true;
    // Nobody merges fragments, nor sums them up.
    if (packet.segment !== 0) return this.#drop("ipFragment");
    const whole = this.reassembly.add(packet.bytes, header);
    if (whole === undefined) return false;
    packet.bytes = whole;
    packet.view = new DataView(whole.buffer);
    packet.ownership = "given";
    packet.packet = 0;
    packet.end = whole.length;
    packet.checksumKnown = false;
    return this.#parse(packet) && (!header.isFragment || this.#drop("ipFragment"));
  }

  #parse(packet: Inbound): boolean {
    const header = this.#header;
    const { view } = packet;
    const fault = header.parse(view, packet.packet, packet.end);
    if (fault === "short" || fault === "version" || fault === "checksum") return this.#drop(COUNTERS[fault]);
    readAddresses(packet, header);
    if (!this.#addresses.has(packet.d0, packet.d1, packet.d2, packet.d3)) return this.#drop("ipNotOurs");
    if (!canBeAnswered(packet) || (packet.origin === "tunnel" && this.#isFromUs(packet)))
      return this.#drop("ipAddress");
    packet.trafficClass = header.trafficClass;
    packet.hopLimit = header.hopLimit;
    packet.protocol = header.protocol;
    packet.protocolAt = header.protocolAt;
    packet.start = header.payloadAt;
    packet.end = header.end;
    if (fault === "ok") return true;
    const code = CODES[fault];
    // RFC 1122 §3.2.2: never about a fragment that is not the first. RFC 8200 §4.5 wants it for IPv6.
    const mayTell = header.version === 6 || header.fragmentOffset === 0;
    if (code !== undefined && mayTell) this.#troubles.parameterProblem(packet, code, header.faultAt - packet.packet);
    return this.#drop(COUNTERS[fault]);
  }

  #isFromUs({ s0, s1, s2, s3 }: Inbound): boolean {
    return this.#addresses.has(s0, s1, s2, s3);
  }

  #drop(counter: NetCounter): false {
    this.#counters.add(counter);
    return false;
  }
}

function readAddresses(packet: Inbound, { version, addressesAt: at }: IpHeader): void {
  const { view } = packet;
  packet.family = version;
  if (version === 4) {
    packet.s0 = packet.s1 = packet.d0 = packet.d1 = 0;
    packet.s2 = packet.d2 = MAPPED_WORD;
    packet.s3 = view.getInt32(at);
    packet.d3 = view.getInt32(at + 4);
    return;
  }
  packet.s0 = view.getInt32(at);
  packet.s1 = view.getInt32(at + 4);
  packet.s2 = view.getInt32(at + 8);
  packet.s3 = view.getInt32(at + 12);
  packet.d0 = view.getInt32(at + 16);
  packet.d1 = view.getInt32(at + 20);
  packet.d2 = view.getInt32(at + 24);
  packet.d3 = view.getInt32(at + 28);
}

/** The source is one host's: not unspecified, loopback, multicast or broadcast (RFC 1122 §3.2.1.3), nor mapped on the wire. */
function canBeAnswered({ family, s0, s1, s2, s3 }: Inbound): boolean {
  const first = s3 >>> 24;
  if (family === 4) return first !== 0 && first !== 127 && first < 224;
  if (s0 >>> 24 === 0xff) return false;
  return !(s0 === 0 && s1 === 0 && (s2 === MAPPED_WORD || (s2 === 0 && s3 >= 0 && s3 <= 1)));
}
