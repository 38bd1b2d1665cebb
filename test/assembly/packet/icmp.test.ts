import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildPacket, concat, onesSum, type PacketFields, pseudoSum, view } from "../../reference/packets.ts";
import { encodeVnet, splitReference, vnetFor } from "../../reference/superpacket.ts";
import { pattern, superpacketFields } from "../../support/arbitrary-packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { icmpError, icmpErrorForRead } = core.exports;
const OUT = ARENA + 0x20000;
const ROOM = 1280;
const UNREACHABLE = 0;
const TOO_BIG = 1;

/** The error for a packet; undefined when there is none. */
function errorFor(packet: Uint8Array, kind = UNREACHABLE, mtu = 0): Uint8Array | undefined {
  core.put(ARENA, packet);
  core.clear(OUT - 64, ROOM + 128);
  const length = icmpError(OUT, ARENA, packet.length, kind, mtu);
  expect(core.firstTouched(OUT - 64, OUT)).toBe(-1);
  expect(core.firstTouched(OUT + length, OUT + ROOM + 64)).toBe(-1);
  return length ? core.get(OUT, length) : undefined;
}

const ping = (version: 4 | 6, fields: Partial<PacketFields> = {}) =>
  buildPacket({ version, protocol: "udp", payload: pattern(30, 1), source: 3, destination: 4, ...fields });

describe("IPv4 errors", () => {
  it("quote the packet up to 576 bytes, with right checksums and swapped addresses", () => {
    for (const payload of [1, 8, 500, 519, 520, 521, 1400, 60000]) {
      const packet = ping(4, { payload: pattern(payload, 2) });
      const error = errorFor(packet)!;
      expect(error.length).toBe(Math.min(28 + packet.length, 576));
      expect([error[0], error[1], view(error).getUint16(2), error[9]]).toEqual([0x45, 0xc0, error.length, 1]);
      expect(onesSum(error.subarray(0, 20))).toBe(0xffff);
      expect(onesSum(error.subarray(20))).toBe(0xffff);
      expect(error.subarray(12, 20)).toEqual(Uint8Array.of(...packet.subarray(16, 20), ...packet.subarray(12, 16)));
      expect([...error.subarray(20, 22), ...error.subarray(24, 28)]).toEqual([3, 1, 0, 0, 0, 0]);
      expect(error.subarray(28)).toEqual(packet.subarray(0, error.length - 28));
    }
  });

  it("tell the MTU when the packet is too big", () => {
    const error = errorFor(ping(4), TOO_BIG, 1420)!;
    expect([error[20], error[21], view(error).getUint16(24), view(error).getUint16(26)]).toEqual([3, 4, 0, 1420]);
    expect(onesSum(error.subarray(20))).toBe(0xffff);
  });

  it.each([
    ["a later fragment", 6, 0x01],
    ["an unspecified source", 12, 0],
    ["a loopback source", 12, 127],
    ["a multicast source", 12, 224],
    ["a broadcast source", 12, 255],
    ["a multicast destination", 16, 239],
    ["a broadcast destination", 16, 255],
    ["an impossible header length", 0, 0x44],
  ])("never answer %s", (_, offset, value) => {
    const packet = ping(4);
    packet[offset] = value;
    expect(errorFor(packet)).toBeUndefined();
  });

  it("answer a first fragment", () => {
    const packet = ping(4);
    view(packet).setUint16(6, 0x2000);
    expect(errorFor(packet)).toBeDefined();
  });

  it("answer ICMP queries and never ICMP errors", () => {
    for (let type = 0; type < 256; type++) {
      const packet = ping(4);
      packet[9] = 1;
      packet[20] = type;
      const answered = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18].includes(type);
      expect(errorFor(packet) !== undefined).toBe(answered);
    }
    const headerOnly = ping(4).subarray(0, 20);
    headerOnly[9] = 1;
    expect(errorFor(headerOnly)).toBeUndefined();
  });
});

describe("ICMPv6 errors", () => {
  it("quote the packet up to 1280 bytes, with a right checksum and swapped addresses", () => {
    for (const payload of [1, 8, 1183, 1184, 1185, 60000]) {
      const packet = ping(6, { payload: pattern(payload, 2) });
      const error = errorFor(packet)!;
      expect(error.length).toBe(Math.min(48 + packet.length, 1280));
      expect([error[0], view(error).getUint16(4), error[6]]).toEqual([0x60, error.length - 40, 58]);
      expect(onesSum(error.subarray(40), pseudoSum(error, 58, error.length - 40))).toBe(0xffff);
      expect(error.subarray(8, 24)).toEqual(Uint8Array.from(packet.subarray(24, 40)));
      expect(error.subarray(24, 40)).toEqual(Uint8Array.from(packet.subarray(8, 24)));
      expect([...error.subarray(40, 42), view(error).getUint32(44)]).toEqual([1, 3, 0]);
      expect(error.subarray(48)).toEqual(packet.subarray(0, error.length - 48));
    }
  });

  it("tell the MTU when the packet is too big, also to groups", () => {
    const packet = ping(6);
    packet[24] = 0xff;
    const error = errorFor(packet, TOO_BIG, 1420)!;
    expect([error[40], error[41], view(error).getUint32(44)]).toEqual([2, 0, 1420]);
    expect(errorFor(packet, UNREACHABLE)).toBeUndefined();
  });

  it("never answer multicast or unspecified sources", () => {
    const multicast = ping(6);
    multicast[8] = 0xff;
    expect(errorFor(multicast)).toBeUndefined();
    const unspecified = ping(6);
    unspecified.fill(0, 8, 24);
    expect(errorFor(unspecified)).toBeUndefined();
  });

  it("never answer ICMPv6 errors or redirects, however deep", () => {
    // hop-by-hop, routing, first fragment, authentication and destination options before the message
    const chain = Uint8Array.of(43, 0, 1, 4, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 51, 0, 0, 1, 0, 0, 0, 9);
    const more = Uint8Array.of(60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 58, 0, 1, 4, 0, 0, 0, 0);
    for (const extensions of [new Uint8Array(0), Uint8Array.of(...chain, ...more)]) {
      for (let type = 0; type < 256; type++) {
        const packet = ping(6, { extensions, extensionType: 0 });
        if (extensions.length) packet.set(extensions, 40);
        else packet[6] = 58;
        packet[40 + extensions.length] = type;
        expect(errorFor(packet) !== undefined).toBe(type >= 128 && type !== 137);
      }
    }
  });

  it("never answer later fragments", () => {
    const packet = ping(6, { extensions: Uint8Array.of(0, 0, 0, 8, 0, 0, 0, 1), extensionType: 44 });
    expect(errorFor(packet)).toBeUndefined();
  });
});

describe("the error for a read", () => {
  it("quotes the first packet of a superpacket, with its own lengths and checksums", () => {
    fc.assert(
      fc.property(superpacketFields(), fc.integer({ min: 1, max: 3000 }), (fields, gsoSize) => {
        const packet = buildPacket(fields);
        const first = splitReference(packet, gsoSize)[0]!;
        core.put(ARENA, concat(encodeVnet(vnetFor(packet, gsoSize)), packet));
        const length = icmpErrorForRead(OUT, ARENA, packet.length + 10, UNREACHABLE, 0);
        expect(length === 0 ? undefined : core.get(OUT, length)).toEqual(errorFor(first));
      }),
    );
  });

  it("is none for what could not have been sent either", () => {
    const packet = ping(4);
    const none = { flags: 0, gsoType: 7, headerLength: 0, gsoSize: 0, checksumStart: 0, checksumOffset: 0 };
    core.put(ARENA, concat(encodeVnet(none), packet));
    expect(icmpErrorForRead(OUT, ARENA, packet.length + 10, UNREACHABLE, 0)).toBe(0);
    expect(icmpErrorForRead(OUT, ARENA, 9, UNREACHABLE, 0)).toBe(0);
  });
});

it("no bytes at all make it trap or write beyond its room", () => {
  const first = fc.constantFrom(0x45, 0x4f, 0x60, 0x30);
  const next = fc.constantFrom(0, 1, 43, 44, 51, 58, 60, 6);
  fc.assert(
    fc.property(first, next, fc.uint8Array({ maxLength: 200 }), fc.nat(1), (start, protocol, bytes, kind) => {
      if (bytes.length > 9) {
        bytes[0] = start;
        bytes[start < 0x60 ? 9 : 6] = protocol;
      }
      errorFor(bytes, kind, 1280);
    }),
    { numRuns: 1000 },
  );
});
