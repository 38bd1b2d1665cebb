import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { cipherModules } from "../../support/crypto-module.ts";

describe.each(cipherModules)("Poly1305 in pieces, $name build", (module) => {
  const { POLY1305_BYTES, poly1305, poly1305Final, poly1305Init, poly1305Update } = module.exports;

  it("gives the tag of the whole message, however it is cut; then its state is wiped", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(70), { maxLength: 12 }), fc.nat(15), (pieces, offset) => {
        module.reset();
        const message = noise(
          pieces.reduce((sum, length) => sum + length, 0),
          pieces.length,
        );
        const key = module.put(noise(32, 3), offset);
        const expected = module.place(16);
        poly1305(expected, module.put(message), message.length, key);

        const state = module.place(POLY1305_BYTES.value, offset);
        const tag = module.place(16, offset);
        const from = module.put(message, offset);
        poly1305Init(state, key);
        let at = from;
        for (const length of pieces) {
          poly1305Update(state, at, length);
          at += length;
        }
        poly1305Final(state, tag);
        expect(module.read(tag, 16)).toEqual(module.read(expected, 16));
        expect(module.read(state, POLY1305_BYTES.value).every((byte) => byte === 0)).toBe(true);
        expect(module.guarded(state, POLY1305_BYTES.value) && module.guarded(tag, 16)).toBe(true);
        expect(module.read(from, message.length)).toEqual(message);
        expect(module.scratchIsWiped()).toBe(true);
      }),
    );
  });
});
