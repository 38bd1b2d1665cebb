import { createCipheriv } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { describe, expect, it } from "vitest";
import { hex, noise, same } from "../../support/bytes.ts";
import { type CipherModule, cipherModules } from "../../support/crypto-module.ts";
import rfc8439 from "../../vectors/rfc8439.json" with { type: "json" };

const TAG_BYTES = 16;
const LENGTHS = Array.from({ length: 2049 }, (_, length) => length);
const LARGE = [4096, 16384 + 7, 65519, (1 << 20) + 3];

interface Parameters {
  key: Uint8Array;
  nonce: Uint8Array;
  aad: Uint8Array;
}
type Place = "apart" | "in place";

function parameters(seed: number, aadLength: number): Parameters {
  return { key: noise(32, seed), nonce: noise(12, seed + 1), aad: noise(aadLength, seed + 2) };
}

/** Ciphertext and tag by OpenSSL. */
function sealByOpenssl({ key, nonce, aad }: Parameters, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  return Uint8Array.from(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

/** Seal at an odd alignment, in a buffer of exactly the right size; fails when a byte outside is touched. */
function seal(module: CipherModule, { key, nonce, aad }: Parameters, plaintext: Uint8Array, place: Place): Uint8Array {
  module.reset();
  const { length } = plaintext;
  const dst = module.place(length + TAG_BYTES, length % 16);
  const src = place === "in place" ? dst : module.place(length, (length + 5) % 16);
  module.memory.set(plaintext, src);
  const aadAt = module.put(aad, 1);
  module.exports.aeadSeal(dst, src, length, module.put(key, 2), module.put(nonce, 3), aadAt, aad.length);
  if (!module.guarded(dst, length + TAG_BYTES)) throw new Error(`wrote outside, sealing ${length} bytes ${place}`);
  if (place === "apart" && !(module.guarded(src, length) && same(module.read(src, length), plaintext))) {
    throw new Error(`changed its input, sealing ${length} bytes`);
  }
  return module.read(dst, length + TAG_BYTES);
}

/** Open likewise. `left` is what the plaintext's place holds afterwards. */
function open(module: CipherModule, { key, nonce, aad }: Parameters, sealed: Uint8Array, place: Place) {
  module.reset();
  const length = sealed.length - TAG_BYTES;
  const src = module.put(sealed, length % 16);
  const dst = place === "in place" ? src : module.place(length, (length + 5) % 16);
  const aadAt = module.put(aad, 1);
  const genuine = Boolean(
    module.exports.aeadOpen(dst, src, length, module.put(key, 2), module.put(nonce, 3), aadAt, aad.length),
  );
  if (!module.guarded(src, sealed.length)) throw new Error(`wrote outside, opening ${length} bytes ${place}`);
  if (place === "apart" && !(module.guarded(dst, length) && same(module.read(src, sealed.length), sealed))) {
    throw new Error(`changed its input or wrote outside, opening ${length} bytes`);
  }
  return { genuine, left: module.read(dst, length), tag: module.read(src + length, TAG_BYTES) };
}

describe.each(cipherModules)("ChaCha20-Poly1305 ($name)", (module) => {
  it.each(rfc8439.aead)("seals and opens RFC 8439 $name", (vector) => {
    const given = { key: hex(vector.key), nonce: hex(vector.nonce), aad: hex(vector.aad) };
    const sealed = hex(vector.ciphertext + vector.tag);
    expect(seal(module, given, hex(vector.plaintext), "apart")).toEqual(sealed);
    expect(open(module, given, sealed, "apart")).toMatchObject({ genuine: true, left: hex(vector.plaintext) });
  });

  it("agrees with OpenSSL and noble at every length to 2048 and some large ones, apart and in place", () => {
    for (const length of [...LENGTHS, ...LARGE]) {
      const given = parameters(length, length % 34);
      const plaintext = noise(length, length + 3);
      const expected = sealByOpenssl(given, plaintext);
      if (length % 8 === 0 || length < 300) {
        const byNoble = chacha20poly1305(given.key, given.nonce, given.aad).encrypt(plaintext);
        expect(same(expected, byNoble)).toBe(true);
      }
      for (const place of ["apart", "in place"] as const) {
        expect(same(seal(module, given, plaintext, place), expected), `seal ${length} ${place}`).toBe(true);
        const { genuine, left } = open(module, given, expected, place);
        expect(genuine && same(left, plaintext), `open ${length} ${place}`).toBe(true);
      }
    }
  });

  it.each([0, 1, 16, 100, 192, 256])("authenticates AAD of 0 to 33 bytes before %i bytes", (length) => {
    for (let aadLength = 0; aadLength <= 33; aadLength++) {
      const given = parameters(aadLength, aadLength);
      const plaintext = noise(length, aadLength);
      const sealed = sealByOpenssl(given, plaintext);
      expect(seal(module, given, plaintext, "apart")).toEqual(sealed);
      expect(open(module, given, sealed, "apart").genuine).toBe(true);
    }
  });

  const refused = [...Array.from({ length: 96 }, (_, i) => i * 7), 191, 192, 193, 447, 448, 449, 703, 704, 1420, 5000];
  it("refuses a message with one bit changed in tag, ciphertext, AAD, nonce or key", () => {
    for (const length of refused) {
      const given = parameters(length, 1 + (length % 33));
      const sealed = sealByOpenssl(given, noise(length, 9));
      const flip = (bytes: Uint8Array, at: number) =>
        bytes.map((byte, i) => (i === at ? byte ^ (1 << (at & 7)) : byte));
      const forgeries: [Parameters, Uint8Array][] = [
        [given, flip(sealed, length)],
        [given, flip(sealed, length + 15)],
        [given, flip(sealed, (length * 31) % sealed.length)],
        [given, flip(sealed, 0)],
        [{ ...given, aad: flip(given.aad, length % given.aad.length) }, sealed],
        [{ ...given, aad: given.aad.subarray(1) }, sealed],
        [{ ...given, nonce: flip(given.nonce, length % 12) }, sealed],
        [{ ...given, key: flip(given.key, length % 32) }, sealed],
      ];
      for (const [with_, forged] of forgeries) {
        const apart = open(module, with_, forged, "apart");
        expect(apart.genuine).toBe(false);
        expect(
          apart.left.every((byte) => byte === 0),
          `plaintext left, ${length} bytes`,
        ).toBe(true);
        const inPlace = open(module, with_, forged, "in place");
        expect(inPlace.genuine).toBe(false);
        expect(same(inPlace.left, forged.subarray(0, length)), `ciphertext lost, ${length} bytes`).toBe(true);
        expect(same(inPlace.tag, forged.subarray(length))).toBe(true);
      }
    }
  });

  it("reads no byte past its inputs: they may be the last of the memory", () => {
    const { key, nonce, aad } = parameters(1, 13);
    const { aeadOpen, aeadSeal } = module.exports;
    const last = (bytes: Uint8Array) => {
      const at = module.memory.length - bytes.length;
      module.memory.set(bytes, at);
      return at;
    };
    for (const length of [...LENGTHS.slice(0, 290), 447, 448, 449, 703, 1420]) {
      module.reset();
      const [keyAt, nonceAt, aadAt] = [module.put(key), module.put(nonce), module.put(aad)];
      const dst = module.place(length + TAG_BYTES);
      const plaintext = noise(length, 3);
      aeadSeal(dst, last(plaintext), length, keyAt, nonceAt, aadAt, aad.length);
      const sealed = module.read(dst, length + TAG_BYTES);
      expect(Boolean(aeadOpen(dst, last(sealed), length, keyAt, nonceAt, aadAt, aad.length))).toBe(true);
      expect(same(module.read(dst, length), plaintext)).toBe(true);
      const inPlace = last(sealed);
      expect(Boolean(aeadOpen(inPlace, inPlace, length, keyAt, nonceAt, aadAt, aad.length))).toBe(true);
      expect(same(module.read(inPlace, length), plaintext)).toBe(true);
    }
    module.reset();
    const [keyAt, nonceAt, dst] = [module.put(key), module.put(nonce), module.place(TAG_BYTES)];
    aeadSeal(dst, dst, 0, last(key), nonceAt, 0, 0);
    aeadSeal(dst, dst, 0, keyAt, last(nonce), 0, 0);
    aeadSeal(dst, dst, 0, keyAt, nonceAt, last(aad), aad.length);
    expect(module.read(dst, TAG_BYTES)).toEqual(sealByOpenssl({ key, nonce, aad }, new Uint8Array()));
  });

  it("leaves nothing in scratch memory, whether it succeeds or not", () => {
    const given = parameters(1, 20);
    const sealed = seal(module, given, noise(1000, 2), "apart");
    expect(module.scratchIsWiped()).toBe(true);
    open(module, given, sealed, "in place");
    expect(module.scratchIsWiped()).toBe(true);
    open(module, { ...given, aad: noise(3, 4) }, sealed, "apart");
    expect(module.scratchIsWiped()).toBe(true);
  });
});
