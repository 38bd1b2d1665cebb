// Batches: every message as the one-by-one call makes it, whatever the layout; bad descriptors do nothing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { cryptoBuilds } from "../../support/crypto-builds.ts";

/** The nonce of WireGuard's transport: four zero bytes, then the counter. */
function nonceOf(counter: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter, true);
  return nonce;
}

const key = noise(32, 1);

for (const { name, api } of cryptoBuilds) {
  describe(`${name} build`, () => {
    it("seals and opens like single calls, and tells forged messages apart", () => {
      const message = fc.record({
        length: fc.integer({ min: 0, max: 1500 }),
        gap: fc.nat(40),
        counter: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        forged: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
          using batch = new api.AeadBatch(20, 40_000);
          let end = 0;
          messages.forEach(({ length, gap, counter }, i) => {
            batch.offsets[i] = end + gap;
            batch.lengths[i] = length;
            batch.counters[i] = counter;
            batch.area.set(noise(length, i), end + gap);
            end += gap + length + 16;
          });
          const at = (i: number) => batch.area.subarray(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!);
          batch.seal(key, messages.length);
          messages.forEach(({ length, counter, forged }, i) => {
            const sealed = api.chacha20poly1305(key, nonceOf(counter)).encrypt(noise(length, i));
            expect(Buffer.from(at(i)).equals(sealed)).toBe(true);
            if (forged) at(i)[length >> 1]! ^= 0x10;
          });
          const before = batch.area.slice();
          using handle = api.AeadKey.import(key);
          batch.open(handle, messages.length);
          messages.forEach(({ length, forged }, i) => {
            expect(batch.outcomes[i]).toBe(forged ? 0 : 1);
            const offset = batch.offsets[i]!;
            const expected = forged ? before.subarray(offset, offset + length + 16) : noise(length, i);
            expect(Buffer.from(at(i)).equals(expected)).toBe(true);
          });
        }),
        { numRuns: 30 },
      );
    });

    it("refuses descriptors that leave the area, and seals nothing then", () => {
      using batch = new api.AeadBatch(3, 1000);
      const bad: [number, number][] = [
        [0, 985],
        [985, 0],
        [1001, 0],
        [0xffffffff, 10],
        [10, 0xffffffff],
        [0xfffffff0, 0xfffffff0],
      ];
      for (const [offset, length] of bad) {
        batch.area.fill(7);
        batch.offsets.set([0, offset, 200]);
        batch.lengths.set([50, length, 50]);
        expect(() => batch.seal(key, 3)).toThrow(RangeError);
        expect(batch.area.every((byte) => byte === 7)).toBe(true);
        expect([...batch.lengths]).toEqual([50, length, 50]);
      }
      batch.offsets.set([0, 984, 968]);
      batch.lengths.set([0, 0, 0]);
      batch.seal(key, 2); // one that just fits
      batch.lengths.set([16, 15, 16]);
      expect(() => batch.open(key, 3)).toThrow(RangeError);
    });

    it("checks its own arguments", () => {
      expect(() => new api.AeadBatch(-1, 100)).toThrow(RangeError);
      expect(() => new api.AeadBatch(1, "100" as unknown as number)).toThrow(TypeError);
      using batch = new api.AeadBatch(2, 100);
      expect(() => batch.seal(key, 3)).toThrow(RangeError);
      expect(() => batch.seal(noise(31, 1), 1)).toThrow(RangeError);
      expect(() => batch.seal("key" as unknown as Uint8Array, 1)).toThrow(TypeError);
      batch.destroy();
      expect(() => batch.seal(key, 0)).toThrow(api.SpentError);
    });

    it("keeps its views while others make the main memory and further batches work", () => {
      using batch = new api.AeadBatch(4, 100_000);
      batch.area.fill(9);
      api.chacha20poly1305(key, nonceOf(0n)).encrypt(new Uint8Array(3 << 20));
      using another = new api.AeadBatch(4, 100_000);
      another.area.fill(1);
      expect(batch.area.length).toBe(100_000);
      expect(batch.area.every((byte) => byte === 9)).toBe(true);
    });
  });
}
