import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ACK, buildPacket, CWR, concat, FIN, type PacketFields, PSH, parse, view } from "../../reference/packets.ts";
import { encodeVnet, GSO, NEEDS_CSUM, splitReference, type Vnet, vnetFor } from "../../reference/superpacket.ts";
import { superpacketFields } from "../../support/arbitrary-packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { splitBegin, splitPlain, splitNext, splitSegmentLength } = core.exports;
const OUT = ARENA + 0x40000;
const STRIDE = 0x10200;

/** All packets that one read gives, or the reason why there are none. */
function split(read: Uint8Array): number | Uint8Array[] {
  core.put(ARENA, read);
  const count = splitBegin(ARENA, read.length);
  const packets: Uint8Array[] = [];
  core.clear(OUT, 2 * STRIDE);
  for (;;) {
    const length = splitNext(OUT + 64);
    if (length === 0) break;
    packets.push(core.get(OUT + 64, length));
    expect(core.firstTouched(OUT, OUT + 64)).toBe(-1);
    core.clear(OUT + 64, length);
  }
  expect(core.firstTouched(OUT, OUT + 2 * STRIDE)).toBe(-1);
  expect(core.get(ARENA, read.length)).toEqual(Uint8Array.from(read));
  if (count < 0) {
    expect(packets).toHaveLength(0);
    return count;
  }
  expect(packets).toHaveLength(count);
  return packets;
}

function read(packet: Uint8Array, vnet: Partial<Vnet> = {}): Uint8Array {
  const none = { flags: 0, gsoType: GSO.none, headerLength: 0, gsoSize: 0, checksumStart: 0, checksumOffset: 0 };
  return concat(encodeVnet({ ...none, ...vnet }), packet);
}

function superRead(packet: Uint8Array, gsoSize: number, changes: Partial<Vnet> = {}): Uint8Array {
  return concat(encodeVnet({ ...vnetFor(packet, gsoSize), ...changes }), packet);
}

const tcp = (fields: Partial<PacketFields> = {}) =>
  buildPacket({ version: 4, protocol: "tcp", payload: new Uint8Array(1000), ...fields });

describe("superpackets", () => {
  it("split as the reference splits them", () => {
    fc.assert(
      fc.property(
        superpacketFields(),
        fc.integer({ min: 1, max: 3000 }),
        fc.nat(0xffff),
        (fields, gsoSize, headerLength) => {
          const packet = buildPacket(fields);
          const expected = splitReference(packet, gsoSize);
          expect(split(superRead(packet, gsoSize, { headerLength }))).toEqual(expected);
          core.put(ARENA, superRead(packet, gsoSize));
          splitBegin(ARENA, packet.length + 10);
          expect(splitSegmentLength()).toBe(expected[0]!.length);
        },
      ),
    );
  });

  it("split at the largest size a read can have", () => {
    for (const version of [4, 6] as const) {
      for (const protocol of ["tcp", "udp"] as const) {
        const headers = (version === 4 ? 20 : 40) + (protocol === "tcp" ? 20 : 8);
        const payload = Uint8Array.from({ length: 65535 - headers }, (_, i) => i * 7);
        const packet = buildPacket({ version, protocol, payload, sequence: 0xffffff00, id: 0xfffe });
        expect(split(superRead(packet, 1368))).toEqual(splitReference(packet, 1368));
      }
    }
  });

  it("split with headers of every length", () => {
    const noise = (length: number) => Uint8Array.from({ length }, (_, i) => 0xfd ^ (i * 73));
    for (let words = 0; words <= 10; words++) {
      for (const protocol of ["tcp", "udp"] as const) {
        const fields = { protocol, options: noise(40 - 4 * words), payload: noise(777), id: 0xffff, window: 0xfedc };
        const plain = buildPacket({ version: 4, ...fields });
        const withOptions = concat(plain.subarray(0, 20), noise(4 * words), plain.subarray(20));
        withOptions[0] = 0x45 + words;
        const extensions = concat(Uint8Array.of(0, words, 1, 4 + 8 * words), new Uint8Array(4 + 8 * words));
        const extended = buildPacket({ version: 6, ...fields, extensions });
        for (const [packet, transport] of [
          [withOptions, 20 + 4 * words],
          [extended, 48 + 8 * words],
        ] as const) {
          view(packet).setUint16(transport + 18, 0xabcd); // urgent pointer, or some payload
          const headers = { ...parse(packet), protocol: protocol === "tcp" ? 6 : 17, transport };
          headers.headers = transport + (protocol === "tcp" ? 60 - 4 * words : 8);
          const vnet = encodeVnet(vnetFor(packet, 111, headers));
          expect(split(concat(vnet, packet))).toEqual(splitReference(packet, 111, headers));
        }
      }
    }
  });

  it("put FIN and PSH on the last segment and CWR on the first", () => {
    const packets = split(superRead(tcp({ flags: ACK | FIN | PSH | CWR }), 300));
    expect((packets as Uint8Array[]).map((packet) => packet[33])).toEqual([ACK | CWR, ACK, ACK, ACK | FIN | PSH]);
  });

  it("ignore the ECN bit of gso_type and what stands in the checksum and length fields", () => {
    const packet = tcp();
    const expected = splitReference(packet, 400);
    view(packet).setUint16(36, 0x1234);
    view(packet).setUint16(2, 0);
    expect(split(superRead(packet, 400, { gsoType: GSO.tcp4 | GSO.ecn, flags: 0 }))).toEqual(expected);
  });

  it("never give a UDP segment the checksum zero", () => {
    const packet = buildPacket({ version: 6, protocol: "udp", payload: new Uint8Array(64) });
    const [first] = splitReference(packet, 64) as [Uint8Array];
    // a payload whose last word is the present checksum makes the new one 0
    view(packet).setUint16(packet.length - 2, view(first).getUint16(46));
    const [segment] = split(superRead(packet, 64)) as [Uint8Array];
    expect(view(segment).getUint16(46)).toBe(0xffff);
  });

  it("carry IPv6 destination options into every segment", () => {
    const packet = buildPacket({
      version: 6,
      protocol: "tcp",
      payload: new Uint8Array(500).fill(3),
      extensions: Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0),
    });
    const headers = { version: 6, protocol: 6, transport: 48, headers: 68 };
    const vnet = encodeVnet(vnetFor(packet, 200, headers));
    expect(split(concat(vnet, packet))).toEqual(splitReference(packet, 200, headers));
  });
});

describe("plain packets", () => {
  it("pass unchanged", () => {
    const packet = tcp();
    expect(split(read(packet))).toEqual([packet]);
    expect(splitPlain(ARENA + 10, packet.length)).toBe(1);
    expect(splitNext(OUT)).toBe(packet.length);
    expect(core.get(OUT, packet.length)).toEqual(packet);
    expect(splitNext(OUT)).toBe(0);
  });

  it("get the checksum that the sender left to be finished", () => {
    fc.assert(
      fc.property(superpacketFields(), (fields) => {
        const packet = buildPacket(fields);
        const { transport, protocol } = parse(packet);
        const offset = protocol === 6 ? 16 : 6;
        const seeded = packet.slice();
        // the pseudo-header's sum = whole sum − sum of the transport part
        const complementOf = (value: number) => 0xffff - value;
        let rest = 0;
        const body = packet.slice(transport);
        view(body).setUint16(offset, 0);
        for (let i = 0; i < body.length; i++) rest = (rest + body[i]! * (i % 2 ? 1 : 256)) % 0xffff;
        const whole = complementOf(view(packet).getUint16(transport + offset));
        view(seeded).setUint16(transport + offset, (whole + 0xffff - rest) % 0xffff);
        const [done] = split(read(seeded, { flags: NEEDS_CSUM, checksumStart: transport, checksumOffset: offset })) as [
          Uint8Array,
        ];
        const finished = view(done).getUint16(transport + offset);
        expect(finished % 0xffff).toBe(view(packet).getUint16(transport + offset) % 0xffff);
        expect(finished).not.toBe(0);
        view(done).setUint16(transport + offset, view(packet).getUint16(transport + offset));
        expect(done).toEqual(packet);
      }),
    );
  });
});

describe("refuses", () => {
  it.each([
    ["a read without a whole vnet header", new Uint8Array(9), -1],
    ["a read without a packet", new Uint8Array(10), -1],
    ["a short IPv6 header", read(Uint8Array.of(0x60, ...new Uint8Array(38))), -1],
    ["another IP version", read(new Uint8Array(40).fill(0x55)), -2],
    ["the gso_type of the other version", superRead(tcp(), 100, { gsoType: GSO.tcp6 }), -2],
    ["UFO", superRead(tcp(), 100, { gsoType: 3 }), -3],
    ["UDP segmentation of TCP", superRead(tcp(), 100, { gsoType: GSO.udp }), -4],
    ["TCP segmentation of UDP", superRead(tcp({ protocol: "udp" }), 100, { gsoType: GSO.tcp4 }), -4],
    [
      "a checksum field outside the packet",
      read(tcp(), { flags: NEEDS_CSUM, checksumStart: 1039, checksumOffset: 0 }),
      -5,
    ],
    [
      "checksum offsets that wrap",
      read(tcp(), { flags: NEEDS_CSUM, checksumStart: 0xffff, checksumOffset: 0xffff }),
      -5,
    ],
    ["segments of no bytes", superRead(tcp(), 0), -6],
    ["more than 65535 bytes", read(concat(tcp(), new Uint8Array(65000))), -6],
  ])("%s", (_, bytes, reason) => {
    expect(split(bytes)).toBe(reason);
  });

  it("fragments, routing headers and impossible header lengths", () => {
    const fragment = tcp();
    view(fragment).setUint16(6, 0x2000);
    expect(split(superRead(fragment, 100))).toBe(-4);
    const shortIp = tcp();
    shortIp[0] = 0x44;
    expect(split(superRead(shortIp, 100, { gsoType: GSO.tcp4 }))).toBe(-4);
    const shortTcp = tcp();
    shortTcp[32] = 0x40;
    expect(split(superRead(shortTcp, 100))).toBe(-4);
    const longTcp = tcp({ payload: new Uint8Array(10) });
    longTcp[32] = 0xf0;
    expect(split(superRead(longTcp, 100))).toBe(-1);
    const routed = tcp({ version: 6, extensions: new Uint8Array(8), extensionType: 43 });
    expect(split(concat(encodeVnet({ ...vnetFor(routed, 100), gsoType: GSO.tcp6 }), routed))).toBe(-4);
  });

  it("nothing by trapping: any bytes at all", () => {
    const header = fc.record({
      flags: fc.nat(255),
      gsoType: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0x81), fc.nat(255)),
      headerLength: fc.nat(0xffff),
      gsoSize: fc.oneof(fc.nat(100), fc.nat(0xffff)),
      checksumStart: fc.oneof(fc.nat(100), fc.nat(0xffff)),
      checksumOffset: fc.oneof(fc.nat(40), fc.nat(0xffff)),
    });
    const first = fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x6f, 0x00);
    fc.assert(
      fc.property(
        header,
        first,
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(6, 17, 0, 60, 51),
        (vnet, start, bytes, next) => {
          if (bytes.length > 9) {
            bytes[0] = start;
            bytes[start < 0x60 ? 9 : 6] = next;
          }
          split(concat(encodeVnet(vnet), bytes));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
