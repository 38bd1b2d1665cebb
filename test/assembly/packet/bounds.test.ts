// Packets that end where memory ends: one byte read behind them traps.
import fc from "fast-check";
import { expect, it } from "vitest";
import { buildPacket, concat, onesSum } from "../../reference/packets.ts";
import { encodeVnet, splitReference, vnetFor } from "../../reference/superpacket.ts";
import { superpacketFields } from "../../support/arbitrary-packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { exports } = core;
const END = exports.memory.buffer.byteLength;

/** Put bytes at the end of memory. @returns where they start */
function putLast(bytes: Uint8Array): number {
  core.put(END - bytes.length, bytes);
  return END - bytes.length;
}

/** Bytes that look like a packet as far as they go. */
const anyPacket = fc
  .tuple(
    fc.constantFrom(0x45, 0x4f, 0x60, 0x66),
    fc.constantFrom(0, 1, 6, 17, 43, 44, 51, 58, 60),
    fc.uint8Array({ maxLength: 150 }),
  )
  .map(([first, next, bytes]) => {
    if (bytes.length > 9) {
      bytes[0] = first;
      bytes[first < 0x60 ? 9 : 6] = next;
    }
    return bytes;
  });

it("sums are confined to their length", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = new Uint8Array(length).fill(0x5a);
    const at = putLast(bytes);
    const folded = exports.fold(exports.sum(at, length));
    expect(((folded & 0xff) << 8) | (folded >> 8)).toBe(onesSum(bytes));
    exports.copyAndSum(ARENA, at, length);
  }
  exports.copyAndSum(END - 77, ARENA, 77);
});

it("superpackets are split without a look behind them", () => {
  fc.assert(
    fc.property(superpacketFields(), fc.integer({ min: 100, max: 2000 }), (fields, gsoSize) => {
      const packet = buildPacket(fields);
      const at = putLast(concat(encodeVnet(vnetFor(packet, gsoSize)), packet));
      expect(exports.splitBegin(at, END - at)).toBe(splitReference(packet, gsoSize).length);
      while (exports.splitNext(ARENA));
    }),
  );
});

it("arbitrary bytes are examined without a look behind them", () => {
  const vnet = fc.record({
    flags: fc.nat(1),
    gsoType: fc.constantFrom(0, 1, 4, 5),
    headerLength: fc.constant(0),
    gsoSize: fc.nat(100),
    checksumStart: fc.nat(160),
    checksumOffset: fc.nat(40),
  });
  fc.assert(
    fc.property(vnet, anyPacket, fc.nat(255), (header, packet, tos) => {
      const read = concat(encodeVnet(header), packet);
      const at = putLast(read);
      exports.splitBegin(at, read.length);
      while (exports.splitNext(ARENA));
      exports.innerLength(at + 10, packet.length);
      exports.icmpError(ARENA, at + 10, packet.length, tos & 1, 1280);
      const kind = exports.version(at + 10, packet.length);
      if (kind) exports.decapsulate(at + 10, kind, tos);
      exports.coalesceBegin(0n, ARENA, 8, ARENA + 1024, 8, 1, 1, 1);
      if (packet.length) expect(exports.coalesceAdd(at + 10, packet.length)).toBe(1);
      if (packet.length && !exports.coalesceNext(at + 10, packet.length)) {
        expect(exports.coalesceAdd(at + 10, packet.length)).toBe(1);
      }
      if (packet.length) expect(exports.coalesceAdd(at + 10, packet.length)).toBe(1);
      exports.coalesceFinish();
    }),
    { numRuns: 2000 },
  );
});
