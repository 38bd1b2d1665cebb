import fc from "fast-check";
import { expect, it } from "vitest";
import { buildPacket, concat, view } from "../../reference/packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { version, innerLength, source, destination } = core.exports;

function lengthOf(bytes: Uint8Array): number {
  core.clear(ARENA, 70000);
  core.put(ARENA, bytes);
  return innerLength(ARENA, bytes.length);
}

it("trims padding behind the packet", () => {
  for (const kind of [4, 6] as const) {
    const packet = buildPacket({ version: kind, protocol: "udp", payload: new Uint8Array(5) });
    for (let padding = 0; padding < 16; padding++) {
      expect(lengthOf(concat(packet, new Uint8Array(padding)))).toBe(packet.length);
    }
  }
});

it("refuses packets that claim more than there is", () => {
  for (const kind of [4, 6] as const) {
    const packet = buildPacket({ version: kind, protocol: "tcp", payload: new Uint8Array(100) });
    for (let length = 0; length < packet.length; length++) expect(lengthOf(packet.subarray(0, length))).toBe(0);
  }
});

it("does not let an IPv6 payload length wrap around 16 bits", () => {
  const packet = buildPacket({ version: 6, protocol: "udp", payload: new Uint8Array(10) });
  view(packet).setUint16(4, 0xffff);
  expect(lengthOf(packet)).toBe(0);
  view(packet).setUint16(4, 0xffff - 39);
  expect(lengthOf(packet)).toBe(0);
});

it("refuses an IPv4 total length below its own header", () => {
  const packet = buildPacket({ version: 4, protocol: "udp", payload: new Uint8Array(10) });
  for (let total = 0; total < 20; total++) {
    view(packet).setUint16(2, total);
    expect(lengthOf(packet)).toBe(0);
  }
});

it("knows versions 4 and 6 only", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const first = (bytes[0] ?? 0) >> 4;
      const known = (first === 4 && bytes.length >= 20) || (first === 6 && bytes.length >= 40);
      const length = lengthOf(bytes);
      expect(version(ARENA, bytes.length)).toBe(known ? first : 0);
      expect(length).toBeLessThanOrEqual(bytes.length);
      if (!known) expect(length).toBe(0);
    }),
  );
});

it("points at the addresses", () => {
  expect([source(0, 4), destination(0, 4), source(0, 6), destination(0, 6)]).toEqual([12, 16, 8, 24]);
});
