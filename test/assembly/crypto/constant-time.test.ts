import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { cipherModules } from "../../support/crypto-module.ts";

describe.each(cipherModules)("constant-time comparison ($name)", (module) => {
  const { equal, equal16, isZero } = module.exports;

  it("tells equal bytes from bytes that differ in any one bit", () => {
    module.reset();
    const bytes = noise(16, 1);
    const a = module.put(bytes, 3);
    const b = module.put(bytes, 9);
    expect(Boolean(equal16(a, b))).toBe(true);
    expect(Boolean(equal(a, b, 16))).toBe(true);
    for (let bit = 0; bit < 128; bit++) {
      module.memory[b + (bit >> 3)]! ^= 1 << (bit & 7);
      expect(Boolean(equal16(a, b))).toBe(false);
      expect(Boolean(equal(a, b, 16))).toBe(false);
      module.memory[b + (bit >> 3)]! ^= 1 << (bit & 7);
    }
  });

  it("looks at no byte past the length", () => {
    module.reset();
    const a = module.put(Uint8Array.of(1, 2, 3, 4));
    const b = module.put(Uint8Array.of(1, 2, 3, 5));
    expect(Boolean(equal(a, b, 3))).toBe(true);
    expect(Boolean(equal(a, b, 0))).toBe(true);
    expect(Boolean(equal(a, b, 4))).toBe(false);
  });

  it("finds any bit in a run of zeros", () => {
    module.reset();
    const a = module.put(new Uint8Array(32), 5);
    expect(Boolean(isZero(a, 32))).toBe(true);
    expect(Boolean(isZero(a, 33))).toBe(false);
    for (let bit = 0; bit < 256; bit++) {
      module.memory[a + (bit >> 3)] = 1 << (bit & 7);
      expect(Boolean(isZero(a, 32))).toBe(false);
      module.memory[a + (bit >> 3)] = 0;
    }
  });
});
