import fc from "fast-check";
import { expect, it } from "vitest";
import { onesSum, pseudoSum } from "../../reference/packets.ts";
import { ARENA, PacketCore } from "../../support/packet-core.ts";

const core = await PacketCore.load();
const { sum, copyAndSum, fold, complement, complementNonZero, pseudoHeader, transportSum, ipv4HeaderSum } =
  core.exports;
const swap = (value: number) => ((value & 0xff) << 8) | (value >> 8);
const BYTES = 9001;

function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

it("equals the plain sum for every length up to 9001 bytes", () => {
  // What is left of four words' sum below a multiple of 512 is most where all are 127, and least (less than none) where they are these.
  const most = Uint8Array.from({ length: BYTES }, (_, i) => (i % 2 ? 0 : 127));
  const least = Uint8Array.from({ length: BYTES }, (_, i) => (i % 2 ? 0 : [126, 127, 127, 128][(i >> 4) % 4]!));
  for (const content of [noise(BYTES, 1), new Uint8Array(BYTES).fill(0xff), new Uint8Array(BYTES), most, least]) {
    core.put(ARENA, content);
    // the plain sum of each prefix from that of the one before
    for (let length = 0, expected = 0; length <= BYTES; length++) {
      if (fold(sum(ARENA, length)) !== swap(expected)) expect.fail(`length ${length}`);
      expected =
        onesSum(content.subarray(length, length + 1), 0) === 0
          ? expected
          : expected + (length % 2 ? 1 : 256) * content[length]!;
      if (expected > 0xffff) expected -= 0xffff;
    }
  }
});

it("does not depend on alignment", () => {
  const content = noise(1500, 2);
  for (let shift = 0; shift < 64; shift++) {
    core.put(ARENA + shift, content);
    for (const length of [0, 1, 7, 15, 16, 17, 31, 33, 63, 64, 65, 1419, 1420, 1500]) {
      expect(fold(sum(ARENA + shift, length))).toBe(swap(onesSum(content.subarray(0, length))));
    }
  }
});

it("copies exactly the bytes it sums", () => {
  const to = ARENA + 0x10000;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(40), fc.nat(40), (content, from, shift) => {
      core.put(ARENA + from, content);
      core.clear(to, 4000);
      const total = copyAndSum(to + shift, ARENA + from, content.length);
      expect(fold(total)).toBe(swap(onesSum(content)));
      expect(core.get(to + shift, content.length)).toEqual(content);
      expect(core.firstTouched(to, to + shift)).toBe(-1);
      expect(core.firstTouched(to + shift + content.length, to + 4000)).toBe(-1);
    }),
  );
});

it("holds the sum of the largest message without overflow", () => {
  core.bytes.fill(0xff, ARENA, ARENA + 512 * 1024);
  expect(sum(ARENA, 512 * 1024)).toBe(0xffffn * 256n * 1024n);
});

it("folds any 64-bit sum and keeps UDP checksums from being zero", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (total) => {
      const expected = Number(total % 0xffffn) || 0xffff;
      expect(fold(total)).toBe(expected);
      expect(complement(total)).toBe(0xffff - expected);
      expect(complementNonZero(total)).toBe(0xffff - expected || 0xffff);
    }),
  );
  expect(fold(0n)).toBe(0);
  expect(complementNonZero(0xffffn)).toBe(0xffff);
});

it("sums pseudo-headers of both versions", () => {
  const packet = noise(40, 3);
  for (const version of [4, 6]) {
    packet[0] = version << 4;
    core.put(ARENA, packet);
    for (const length of [0, 8, 1400, 65535]) {
      expect(fold(pseudoHeader(ARENA, 17, length))).toBe(swap(pseudoSum(packet, 17, length)));
    }
  }
});

it("sums what is behind an IP header together with its pseudo-header", () => {
  for (const [version, transport] of [
    [4, 20],
    [6, 40],
  ] as const) {
    const packet = noise(1501, 4);
    packet[0] = version << 4;
    core.put(ARENA, packet);
    for (const length of [transport, transport + 8, 100, 1420, 1501]) {
      const expected = onesSum(packet.subarray(transport, length), pseudoSum(packet, 6, length - transport));
      expect(fold(transportSum(ARENA, 6, transport, length))).toBe(swap(expected));
    }
  }
});

it("sums an IPv4 header, and no byte more", () => {
  const packet = noise(40, 5);
  for (let shift = 0; shift < 16; shift++) {
    core.put(ARENA + shift, packet);
    expect(fold(ipv4HeaderSum(ARENA + shift))).toBe(swap(onesSum(packet.subarray(0, 20))));
  }
});
