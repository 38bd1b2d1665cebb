// Tunnels in tunnels: which packets are our own datagrams, and how many hops the next datagram has.
import { describe, expect, it } from "vitest";
import * as abi from "../../../assembly/abi.ts";
import { buildPacket, type PacketFields } from "../../reference/packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { hopLimitFor, isOwnDatagram } = core.exports;
const PATH = ARENA + 65_536;
const PORT = 51_820;
const SYSTEM = 0;
const NONE = -1;

/** A WireGuard message of this type. */
function message(type: number, length = 32): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  return bytes;
}

function hops(packet: Uint8Array, length = packet.length): number {
  core.put(ARENA, packet);
  return hopLimitFor(ARENA, packet[0]! >> 4, length);
}

/** Turn an IPv4 packet into a fragment at this offset, in units of 8 bytes. */
function fragmentV4(packet: Uint8Array, offset: number, more = 0x2000): Uint8Array {
  new DataView(packet.buffer).setUint16(6, more | offset);
  return packet;
}

/** Put a fragment header behind an IPv6 header. */
function fragmentV6(packet: Uint8Array, offset: number): Uint8Array {
  const next = packet[6]!;
  const out = new Uint8Array(packet.length + 8);
  out.set(packet.subarray(0, 40));
  out[6] = 44;
  out[40] = next;
  new DataView(out.buffer).setUint16(42, (offset << 3) | 1);
  out.set(packet.subarray(40), 48);
  return out;
}

describe.each([4, 6] as const)("IPv%i", (version) => {
  const udp = (fields: Partial<PacketFields> = {}) =>
    buildPacket({ version, protocol: "udp", payload: message(4), ttl: 64, ...fields });
  const fragment = (packet: Uint8Array, offset: number) =>
    version === 4 ? fragmentV4(packet, offset) : fragmentV6(packet, offset);

  it.each([1, 2, 3, 4])("a WireGuard message of type %i leaves the next datagram fewer hops", (type) => {
    expect(hops(udp({ payload: message(type) }))).toBe(56);
  });

  it("hops end after eight levels, and never grow", () => {
    const levels: number[] = [];
    for (let ttl = 64; ttl > 0 && levels.length < 20; ) {
      ttl = hops(udp({ ttl }));
      levels.push(ttl);
    }
    expect(levels).toEqual([56, 48, 40, 32, 24, 16, 8, NONE]);
    expect([255, 72, 9, 8, 1].map((ttl) => hops(udp({ ttl })))).toEqual([64, 64, 1, NONE, NONE]);
  });

  it("other packets get what the system gives", () => {
    expect(hops(udp({ payload: message(5) }))).toBe(SYSTEM);
    expect(hops(udp({ payload: message(0) }))).toBe(SYSTEM);
    expect(hops(udp({ payload: message(4, 31) }))).toBe(SYSTEM);
    expect(hops(udp({ payload: new Uint8Array(0) }))).toBe(SYSTEM);
    const reserved = message(4);
    reserved[3] = 1;
    expect(hops(udp({ payload: reserved }))).toBe(SYSTEM);
    expect(hops(buildPacket({ version, protocol: "tcp", payload: message(4) }))).toBe(SYSTEM);
  });

  it("the first fragment is told by what is in it, later ones count, for they may be a message's", () => {
    expect(hops(fragment(udp(), 0))).toBe(56);
    expect(hops(fragment(udp({ payload: message(9) }), 0))).toBe(SYSTEM);
    expect(hops(fragment(udp({ payload: message(9) }), 3))).toBe(56);
    expect(hops(fragment(buildPacket({ version, protocol: "tcp", payload: message(9) }), 3))).toBe(SYSTEM);
  });

  it("looks at no byte beyond the packet's end", () => {
    const packet = fragment(udp(), 0);
    for (let length = version === 4 ? 20 : 40; length < packet.length; length++) {
      expect(hops(packet, length)).toBe(SYSTEM);
    }
  });

  it("our own datagram to the peer is known by its addresses and ports, whole or as first fragment", () => {
    const size = version === 4 ? 4 : 16;
    const packet = udp({ destination: 7, sourcePort: PORT, destinationPort: 443 });
    const at = version === 4 ? 16 : 24;
    core.put(PATH, new Uint8Array(abi.PATH_BYTES));
    const view = new DataView(core.exports.memory.buffer);
    view.setUint16(PATH + abi.PATH_FAMILY, version, true);
    view.setUint16(PATH + abi.PATH_PORT, 443, true);
    core.put(PATH + abi.PATH_ADDRESS, packet.subarray(at, at + size));
    const own = (bytes: Uint8Array, port = PORT, length = bytes.length): boolean => {
      core.put(ARENA, bytes);
      return Boolean(isOwnDatagram(ARENA, version, length, PATH, port));
    };
    expect(own(packet)).toBe(true);
    expect(own(fragment(Uint8Array.from(packet), 0))).toBe(true);
    expect(own(fragment(Uint8Array.from(packet), 5))).toBe(false);
    expect(own(packet, PORT + 1)).toBe(false);
    expect(own(packet, PORT, version === 4 ? 27 : 47)).toBe(false);
    expect(own(udp({ destination: 7, sourcePort: PORT, destinationPort: 444 }))).toBe(false);
    expect(own(udp({ destination: 8, sourcePort: PORT, destinationPort: 443 }))).toBe(false);
    for (let byte = at; byte < at + size; byte++) {
      const other = Uint8Array.from(packet);
      other[byte]! ^= 0x80;
      expect(own(other)).toBe(false);
    }
    view.setUint16(PATH + abi.PATH_FAMILY, 0, true);
    expect(own(packet)).toBe(false);
  });
});
