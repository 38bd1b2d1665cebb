import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { describe, expect, it } from "vitest";
import { hex, noise } from "../../support/bytes.ts";
import { type CipherModule, cipherModules } from "../../support/crypto-module.ts";
import xchacha from "../../vectors/xchacha.json" with { type: "json" };

const TAG_BYTES = 16;

interface Parameters {
  key: Uint8Array;
  nonce: Uint8Array;
  aad: Uint8Array;
}

function seal(module: CipherModule, { key, nonce, aad }: Parameters, plaintext: Uint8Array): Uint8Array {
  const size = plaintext.length + TAG_BYTES;
  const dst = module.place(size, 7);
  const src = module.put(plaintext, 3);
  module.exports.xaeadSeal(dst, src, plaintext.length, module.put(key), module.put(nonce), module.put(aad), aad.length);
  expect(module.guarded(dst, size)).toBe(true);
  return module.read(dst, size);
}

/** The plaintext, or undefined when the message is refused. */
function open(module: CipherModule, { key, nonce, aad }: Parameters, sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.length - TAG_BYTES;
  const at = module.put(sealed, 5);
  const genuine = module.exports.xaeadOpen(
    at,
    at,
    length,
    module.put(key),
    module.put(nonce),
    module.put(aad),
    aad.length,
  );
  expect(module.guarded(at, sealed.length)).toBe(true);
  return genuine ? module.read(at, length) : undefined;
}

describe.each(cipherModules)("XChaCha20-Poly1305 ($name)", (module) => {
  it.each(xchacha.aead)("seals and opens the message of the draft $name", (vector) => {
    module.reset();
    const given = { key: hex(vector.key), nonce: hex(vector.nonce), aad: hex(vector.aad) };
    const sealed = hex(vector.ciphertext + vector.tag);
    expect(seal(module, given, hex(vector.plaintext))).toEqual(sealed);
    expect(open(module, given, sealed)).toEqual(hex(vector.plaintext));
  });

  it("agrees with noble at lengths from 0 to 600", () => {
    for (let length = 0; length <= 600; length += length < 80 ? 1 : 37) {
      module.reset();
      const given = { key: noise(32, length), nonce: noise(24, length + 1), aad: noise(length % 40, 2) };
      const plaintext = noise(length, 3);
      const expected = xchacha20poly1305(given.key, given.nonce, given.aad).encrypt(plaintext);
      expect(seal(module, given, plaintext)).toEqual(expected);
      expect(open(module, given, expected)).toEqual(plaintext);
    }
  });

  it("refuses a cookie under another nonce, key or AAD, and leaves nothing in scratch memory", () => {
    module.reset();
    const given = { key: noise(32, 1), nonce: noise(24, 2), aad: noise(16, 3) };
    const sealed = seal(module, given, noise(16, 4));
    expect(module.scratchIsWiped()).toBe(true);
    for (const field of ["key", "nonce", "aad"] as const) {
      for (let at = 0; at < given[field].length; at++) {
        const other = given[field].map((byte, i) => (i === at ? byte ^ 0x80 : byte));
        expect(open(module, { ...given, [field]: other }, sealed)).toBeUndefined();
      }
    }
    expect(module.scratchIsWiped()).toBe(true);
  });
});
