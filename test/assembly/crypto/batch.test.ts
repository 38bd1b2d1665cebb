import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { cipherModules } from "../../support/crypto-module.ts";

const LENGTHS = [0, 1, 16, 191, 192, 193, 448, 1420];
const AREA_BYTES = 4096;

const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);

describe.each(cipherModules)("batches, $name build", (module) => {
  const { aeadSeal, openBatch, sealBatch } = module.exports;

  it("write inside the area only, at any alignment, and leave no key in scratch memory", () => {
    for (let shift = 0; shift < 16; shift++) {
      module.reset();
      const key = module.put(noise(32, 1));
      const area = module.put(noise(AREA_BYTES, 2), shift);
      let end = 0;
      const offsets = LENGTHS.map((length) => {
        end += length + 16 + 3;
        return end - length - 16;
      });
      const counters = new Uint8Array(BigUint64Array.from(LENGTHS, (_, i) => BigInt(i) << 33n).buffer);
      const offsetsAt = module.put(words(...offsets));
      const lengthsAt = module.put(words(...LENGTHS));
      const countersAt = module.put(counters);
      const outcomes = module.place(LENGTHS.length);
      const before = module.read(area, AREA_BYTES);

      expect(sealBatch(area, AREA_BYTES, offsetsAt, lengthsAt, countersAt, LENGTHS.length, key)).toBe(LENGTHS.length);
      LENGTHS.forEach((length, i) => {
        const nonce = module.put(Uint8Array.of(0, 0, 0, 0, ...counters.subarray(8 * i, 8 * i + 8)));
        const single = module.place(length + 16);
        const source = module.put(before.subarray(offsets[i]!, offsets[i]! + length));
        aeadSeal(single, source, length, key, nonce, 0, 0);
        expect(module.read(area + offsets[i]!, length + 16)).toEqual(module.read(single, length + 16));
      });
      expect(module.read(lengthsAt, 4 * LENGTHS.length)).toEqual(words(...LENGTHS.map((length) => length + 16)));

      openBatch(area, AREA_BYTES, offsetsAt, lengthsAt, countersAt, outcomes, LENGTHS.length, key);
      expect([...module.read(outcomes, LENGTHS.length)]).toEqual(LENGTHS.map(() => 1));
      LENGTHS.forEach((length, i) => {
        const expected = before.subarray(offsets[i]!, offsets[i]! + length);
        expect(module.read(area + offsets[i]!, length)).toEqual(expected);
      });
      expect(module.guarded(area, AREA_BYTES) && module.guarded(outcomes, LENGTHS.length)).toBe(true);
      expect(module.scratchIsWiped()).toBe(true);
    }
  });

  it("name the first descriptor that leaves the area, and do nothing", () => {
    module.reset();
    const [key, area] = [module.put(noise(32, 1)), module.put(noise(100, 2))];
    const counters = module.put(new Uint8Array(16));
    const outcomes = module.place(2);
    const before = module.read(area, 100);
    for (const [offset, length] of [
      [0, 85],
      [100, 0],
      [0xffffffff, 1],
      [1, 0xffffffff],
    ]) {
      const offsets = module.put(words(0, offset!));
      const lengths = module.put(words(10, length!));
      expect(sealBatch(area, 100, offsets, lengths, counters, 2, key)).toBe(1);
      expect(openBatch(area, 100, offsets, lengths, counters, outcomes, 2, key)).toBe(0); // 10 bytes have no tag
    }
    expect(module.read(area, 100)).toEqual(before);
  });
});
