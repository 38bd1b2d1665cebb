import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { blake2sModules } from "../../support/crypto-module.ts";

/** What may be zeroed behind a message: at least 32 bytes, a multiple of 16. */
const room = (length: number) => Math.max(32, (length + 15) & ~15);

describe.each(blake2sModules)("blake2sReplace, $name build", (module) => {
  it.each([1, 20, 32])("leaves %i bytes of digest, zeros, and nothing of message and key", (outLength) => {
    for (let length = 0; length <= 200; length++) {
      module.reset();
      const message = noise(length, length);
      const key = noise(32, 7);
      const keyLength = length % 33;
      const expected = module.place(outLength);
      module.exports.blake2s(expected, outLength, module.put(message), length, module.put(key), keyLength);
      const at = module.place(room(length), length % 16);
      module.memory.set(message, at);
      const keyAt = module.put(key);
      module.exports.blake2sReplace(at, outLength, length, keyAt, keyLength);
      expect(module.read(at, outLength)).toEqual(module.read(expected, outLength));
      expect(module.read(at + outLength, Math.max(32, length) - outLength).every((byte) => byte === 0)).toBe(true);
      expect(module.read(keyAt, 32).every((byte) => byte === 0)).toBe(true);
      expect(module.guarded(at, room(length)) && module.guarded(keyAt, 32)).toBe(true);
      expect(module.scratchIsWiped()).toBe(true);
    }
  });
});

describe.each(blake2sModules)("blake2sBlock, $name build", (module) => {
  it("puts the digest before the block and leaves nothing of the message", () => {
    for (let length = 0; length <= 64; length++) {
      module.reset();
      const message = noise(length, length);
      const expected = module.place(32);
      module.exports.blake2s(expected, 32, module.put(message), length, 0, 0);
      const at = module.put(new Uint8Array(96).fill(0xa5), length % 16);
      module.memory.set(message, at + 32);
      module.exports.blake2sBlock(at, length);
      expect(module.read(at, 32)).toEqual(module.read(expected, 32));
      expect(module.read(at + 32, 64).every((byte) => byte === 0)).toBe(true);
      expect(module.guarded(at, 96)).toBe(true);
      expect(module.scratchIsWiped()).toBe(true);
    }
  });
});
