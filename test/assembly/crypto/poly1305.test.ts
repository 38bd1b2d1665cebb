import { describe, expect, it } from "vitest";
import * as reference from "../../reference/poly1305.ts";
import { hex, noise } from "../../support/bytes.ts";
import { type CipherModule, cipherModules } from "../../support/crypto-module.ts";
import rfc8439 from "../../vectors/rfc8439.json" with { type: "json" };

function tag(module: CipherModule, message: Uint8Array, key: Uint8Array, offset = 0): Uint8Array {
  module.reset();
  const out = module.place(16, 15 - offset);
  module.exports.poly1305(out, module.put(message, offset), message.length, module.put(key, offset));
  expect(module.guarded(out, 16)).toBe(true);
  return module.read(out, 16);
}

describe.each(cipherModules)("Poly1305 ($name)", (module) => {
  it.each(rfc8439.poly1305)("gives the tag of RFC 8439 $name", (vector) => {
    expect(tag(module, hex(vector.message), hex(vector.key))).toEqual(hex(vector.tag));
  });

  it("agrees with the plain reference at every length and alignment", () => {
    for (let length = 0; length <= 300; length++) {
      const message = noise(length, length);
      const key = noise(32, length + 1);
      expect(tag(module, message, key, length % 16)).toEqual(reference.poly1305(message, key));
    }
  });

  it("reads no byte past its input: it may be the last of the memory", () => {
    module.reset();
    const [key, out] = [module.put(noise(32, 1)), module.place(16)];
    for (let length = 0; length <= 100; length++) {
      const message = module.memory.length - length;
      expect(() => module.exports.poly1305(out, message, length, key)).not.toThrow();
    }
  });

  it("agrees with the plain reference where carries are longest", () => {
    const extremes = [0x00, 0x01, 0xfb, 0xfc, 0xff];
    for (let seed = 0; seed < 400; seed++) {
      const pick = (length: number, from: number) => noise(length, from).map((byte) => extremes[byte % 5]!);
      const message = pick(16 + (seed % 80), seed);
      const key = pick(32, seed + 1000);
      expect(tag(module, message, key)).toEqual(reference.poly1305(message, key));
    }
  });

  it("agrees with the plain reference with every bit set", () => {
    for (const length of [15, 16, 17, 32, 1024, 4095]) {
      const message = new Uint8Array(length).fill(0xff);
      const key = new Uint8Array(32).fill(0xff);
      expect(tag(module, message, key)).toEqual(reference.poly1305(message, key));
    }
  });

  it("agrees with the plain reference where limbs of r are as far apart as can be", () => {
    const message = new Uint8Array(80).fill(0xff);
    for (let limbs = 0; limbs < 16; limbs++) {
      const key = new Uint8Array(32).map((_, i) => (i < 16 && (limbs >> (i >> 2)) & 1 ? 0xff : 0));
      expect(tag(module, message, key)).toEqual(reference.poly1305(message, key));
    }
  });

  it("leaves nothing in scratch memory", () => {
    tag(module, noise(99, 1), noise(32, 2));
    expect(module.scratchIsWiped()).toBe(true);
  });
});
