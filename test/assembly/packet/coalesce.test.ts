import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ACK,
  buildPacket,
  checksumsRight,
  FIN,
  type PacketFields,
  PSH,
  parse,
  pseudoSum,
  view,
} from "../../reference/packets.ts";
import { coalesceReference, GSO, splitReference, vnetFor } from "../../reference/superpacket.ts";
import { flowBatch, pattern, superpacketFields } from "../../support/arbitrary-packets.ts";
import { Coalescing, FULL } from "../../support/coalescing.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const coalescing = new Coalescing(core);
const byFlow = new Coalescing(core, "by flow");
const NO_VNET = { flags: 0, gsoType: 0, headerLength: 0, gsoSize: 0, checksumStart: 0, checksumOffset: 0 };

const origins = (packets: Uint8Array[], device = FULL) => coalescing.run(packets, device).map((write) => write.from);

/** `count` consecutive segments of a flow. */
function train(count: number, fields: Partial<PacketFields> = {}, size = 100): Uint8Array[] {
  const base: PacketFields = { version: 4, protocol: "tcp", payload: pattern(count * size, 1), id: 5, ...fields };
  return splitReference(buildPacket(base), size);
}

/** Identifications mean nothing under DF, and a superpacket cannot say that they were all the same. */
function withoutAtomicId(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if (copy[0]! >> 4 === 4 && copy[6]! & 0x40) {
    view(copy).setUint16(4, 0);
    view(copy).setUint16(10, 0);
  }
  return copy;
}

describe("superpackets", () => {
  it("that were split come back as they were", () => {
    fc.assert(
      fc.property(superpacketFields(), fc.integer({ min: 500, max: 3000 }), (drawn, gsoSize) => {
        const fields = { ...drawn, flags: drawn.flags! & ~FIN & ~0x80 };
        const packet = buildPacket(fields);
        const segments = splitReference(packet, gsoSize);
        const writes = coalescing.run(segments);
        expect(writes).toHaveLength(1);
        const [write] = writes;
        if (segments.length === 1) {
          expect(write).toMatchObject({ vnet: NO_VNET, packet });
          return;
        }
        const { protocol, transport } = parse(packet);
        const field = transport + (protocol === 6 ? 16 : 6);
        view(packet).setUint16(field, pseudoSum(packet, protocol, packet.length - transport));
        expect(write).toMatchObject({ vnet: vnetFor(packet, gsoSize), packet });
      }),
    );
  });

  it("are made of just the packets that the rules allow, in random interleaved flows", () => {
    fc.assert(
      fc.property(flowBatch(), fc.boolean(), fc.boolean(), (packets, tcp, udp) => {
        const writes = coalescing.run(packets, { vnet: true, tcp, udp });
        const expected = coalesceReference(packets, { tcp, udp });
        expect(writes.map((write) => write.from)).toEqual(expected);
        expect(byFlow.run(packets, { vnet: true, tcp, udp }).map((write) => write.from)).toEqual(expected);
        for (const { vnet, packet, from } of writes) {
          if (from.length === 1) {
            expect({ vnet, packet }).toEqual({ vnet: NO_VNET, packet: packets[from[0]!] });
            continue;
          }
          expect(vnet).toEqual(vnetFor(packet, vnet!.gsoSize));
          const segments = splitReference(packet, vnet!.gsoSize);
          expect(segments.map(withoutAtomicId)).toEqual(from.map((i) => withoutAtomicId(packets[i]!)));
        }
      }),
      { numRuns: 400 },
    );
  });

  it("have the pseudo-header's sum where the kernel will put the checksum", () => {
    for (const version of [4, 6] as const) {
      for (const protocol of ["tcp", "udp"] as const) {
        const [write] = coalescing.run(train(4, { version, protocol }));
        const { transport, protocol: number } = parse(write!.packet);
        const seed = view(write!.packet).getUint16(transport + (number === 6 ? 16 : 6));
        expect(seed).toBe(pseudoSum(write!.packet, number, write!.packet.length - transport));
        const right = splitReference(write!.packet, write!.packet.length);
        expect(checksumsRight(right[0]!, parse(right[0]!))).toBe(true);
      }
    }
  });

  it("stay within 65535 bytes", () => {
    for (const version of [4, 6] as const) {
      const segments = [...train(40, { version }, 1400), ...train(40, { version, sequence: 1 + 56000, id: 45 }, 1400)];
      const writes = coalescing.run(segments);
      expect(writes.map((write) => write.from.length)).toEqual([46, 34]);
      expect(Math.max(...writes.map((write) => write.packet.length))).toBeLessThanOrEqual(65535);
    }
  });

  it("take sequence numbers and identifications over their ends", () => {
    expect(origins(train(4, { sequence: 0xffffff38, id: 0xfffe }))).toEqual([[0, 1, 2, 3]]);
  });

  it("of UDP have at most 64 segments", () => {
    expect(origins(train(70, { protocol: "udp" }, 20)).map((from) => from.length)).toEqual([64, 6]);
  });
});

describe("a flow", () => {
  it("goes on after another flow's packet", () => {
    const [a, b] = [train(3), train(2, { sourcePort: 9 })];
    expect(origins([a[0]!, b[0]!, a[1]!, b[1]!, a[2]!])).toEqual([
      [0, 2, 4],
      [1, 3],
    ]);
  });

  it("keeps TCP and UDP of the same ports apart", () => {
    const [a, b] = [train(2), train(2, { protocol: "udp" })];
    expect(origins([a[0]!, b[0]!, a[1]!, b[1]!])).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it("is not overtaken: what cannot be merged ends the item before it", () => {
    const [a, b, c] = train(3) as [Uint8Array, Uint8Array, Uint8Array];
    const between = (fields: Partial<PacketFields>) =>
      buildPacket({ version: 4, protocol: "tcp", payload: new Uint8Array(0), sequence: 101, ...fields });
    for (const fields of [{}, { flags: ACK | FIN }, { flags: 4 }, { acknowledgement: 9, payload: pattern(3, 3) }]) {
      expect(origins([a, between(fields), b, c])).toEqual([[0], [1], [2, 3]]);
    }
  });

  it("is not overtaken by what follows a packet that hides its ports", () => {
    const [a, b] = train(2) as [Uint8Array, Uint8Array];
    const fragment = buildPacket({ version: 4, protocol: "udp", payload: pattern(20, 1) });
    view(fragment).setUint16(6, 3);
    const extended = buildPacket({
      version: 6,
      protocol: "udp",
      payload: pattern(20, 1),
      extensions: new Uint8Array(8),
    });
    const icmp = buildPacket({ version: 4, protocol: "udp", payload: pattern(20, 1) });
    icmp[9] = 1;
    expect(origins([a, fragment, b])).toEqual([[0], [1], [2]]);
    expect(origins([a, extended, b])).toEqual([[0], [1], [2]]);
    expect(origins([a, icmp, b])).toEqual([[0, 2], [1]]);
  });

  it("ends an item with PSH or a short segment", () => {
    const packets = [...train(2, { flags: ACK | PSH }), ...train(2, { sequence: 201, id: 7 })];
    expect(origins(packets)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    const [first] = coalescing.run(packets);
    expect(first!.packet[33]).toBe(ACK | PSH);
    const short = [
      ...train(2, { payload: pattern(150, 1) }),
      ...train(1, { sequence: 151, id: 7, payload: pattern(50, 2) }),
    ];
    expect(origins(short)).toEqual([[0, 1], [2]]);
  });

  it("with a forged checksum is passed on, not merged", () => {
    for (const field of [10, 36]) {
      const packets = train(3);
      view(packets[1]!).setUint16(field, view(packets[1]!).getUint16(field) ^ 0x0100);
      const writes = coalescing.run(packets);
      expect(writes.map((write) => write.from)).toEqual([[0], [1], [2]]);
      expect(writes[1]).toMatchObject({ vnet: NO_VNET, packet: packets[1] });
    }
  });

  it("of UDP without checksums is passed on, not merged", () => {
    const packets = train(3, { protocol: "udp" }, 20).map((packet) => {
      // the checksum moves into the payload, so that leaving it out keeps the sum right
      const last = packet.length - 2;
      view(packet).setUint16(last, (view(packet).getUint16(last) + view(packet).getUint16(26)) % 0xffff);
      view(packet).setUint16(26, 0);
      return packet;
    });
    expect(packets.every((packet) => checksumsRight(packet, parse(packet)))).toBe(true);
    expect(origins(packets)).toEqual([[0], [1], [2]]);
  });

  it.each([
    ["counting identifications", [5, 6, 7], false, [[0, 1, 2]]],
    ["constant identifications under DF", [5, 5, 5], true, [[0, 1, 2]]],
    ["constant identifications without DF", [5, 5, 5], false, [[0], [1], [2]]],
    ["identifications that stop counting", [5, 6, 6], true, [[0, 1], [2]]],
    ["identifications that begin to count", [5, 5, 6], true, [[0, 1], [2]]],
  ])("merges by %s as the kernel does", (_, ids, dontFragment, expected) => {
    const packets = ids.map((id, i) =>
      buildPacket({ version: 4, protocol: "tcp", payload: pattern(10, i), sequence: 1 + 10 * i, id, dontFragment }),
    );
    expect(origins(packets)).toEqual(expected);
  });

  it.each([
    ["whatever they are under DF, as after losses", [5, 6, 9, 9, 4], true, [[0, 1, 2, 3, 4]]],
    ["if they count without DF", [5, 6, 9, 9, 10], false, [[0, 1], [2], [3, 4]]],
  ])("of UDP is merged by identifications %s", (_, ids, dontFragment, expected) => {
    const datagram = (id: number, i: number) =>
      buildPacket({ version: 4, protocol: "udp", payload: pattern(10, i), id, dontFragment });
    const packets = ids.map(datagram);
    expect(origins(packets)).toEqual(expected);
    const [first] = coalescing.run(packets);
    const segments = splitReference(first!.packet, first!.vnet!.gsoSize);
    expect(segments.map(withoutAtomicId)).toEqual(packets.slice(0, segments.length).map(withoutAtomicId));
  });
});

describe("a device", () => {
  it("without vnet headers gets every packet alone and untouched", () => {
    const packets = train(5);
    const writes = coalescing.run(packets, { vnet: false, tcp: true, udp: true });
    expect(writes.map((write) => write.packet)).toEqual(packets);
  });

  it("that takes no TCP or no UDP superpackets gets none", () => {
    const packets = [...train(2), ...train(2, { protocol: "udp" })];
    expect(origins(packets, { vnet: true, tcp: false, udp: true })).toEqual([[0], [1], [2, 3]]);
    expect(origins(packets, { vnet: true, tcp: true, udp: false })).toEqual([[0, 1], [2], [3]]);
  });

  it("gets packets of many flows in the order of their first packets", () => {
    const flows = Array.from({ length: 200 }, (_, i) => train(2, { sourcePort: 1000 + i }, 10));
    const packets = [...flows.map((flow) => flow[0]!), ...flows.map((flow) => flow[1]!)];
    const writes = coalescing.run(packets);
    const firsts = writes.map((write) => write.from[0]!);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    expect(writes.flatMap((write) => write.from).toSorted((a, b) => a - b)).toEqual(packets.map((_, i) => i));
  });
});

describe("a batch", () => {
  it("that is full takes no more, and loses nothing", () => {
    const packets = train(12);
    expect(coalescing.attempt(packets, FULL, 7, 100)).toMatchObject({
      added: 7,
      writes: [{ from: [0, 1, 2, 3, 4, 5, 6] }],
    });
    const alone = { vnet: true, tcp: false, udp: false };
    expect(coalescing.attempt(packets, alone, 100, 3)).toMatchObject({ added: 3, writes: [{}, {}, {}] });
    expect(coalescing.attempt(packets, FULL, 0, 0)).toMatchObject({ added: 0, writes: [] });
  });

  it("holds 640 packets", () => {
    const packets = train(700, { protocol: "udp" }, 8);
    const { added, writes } = coalescing.attempt(packets, FULL, 700, 700);
    expect(added).toBe(640);
    expect(writes).toHaveLength(10);
    expect(core.bytes.subarray(0x10000 + 65536, ARENA).every((byte) => byte === 0)).toBe(true);
  });

  it("of any bytes neither traps nor changes a packet", () => {
    const first = fc.constantFrom(0x45, 0x46, 0x60, 0x65, 0x00);
    const bytes = fc.tuple(first, fc.constantFrom(6, 17, 0, 44), fc.uint8Array({ minLength: 1, maxLength: 120 }));
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 30 }), (drawn) => {
        const packets = drawn.map(([start, protocol, content]) => {
          content[0] = start;
          if (content.length > 9) content[start < 0x60 ? 9 : 6] = protocol;
          return content;
        });
        const writes = coalescing.run(packets);
        expect(writes.map((write) => write.packet)).toEqual(packets.map((packet) => Uint8Array.from(packet)));
        expect(writes.every((write) => write.vnet!.gsoType === GSO.none)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
