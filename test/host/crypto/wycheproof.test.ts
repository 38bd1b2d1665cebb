// Project Wycheproof's vectors through the public calls and the handles, in both builds: edge cases of the arithmetic, forged
// tags, nonces of other lengths, points of small order, encodings that are not canonical.
import { describe, expect, it } from "vitest";
import { hex } from "../../support/bytes.ts";
import { cryptoBuilds } from "../../support/crypto-builds.ts";
import keyed from "../../vectors/blake2s-keyed.json" with { type: "json" };
import aead from "../../vectors/wycheproof-aead.json" with { type: "json" };
import curve from "../../vectors/wycheproof-x25519.json" with { type: "json" };

const CIPHERS = [
  { cipher: "chacha20poly1305", nonceLength: 12, count: 325 },
  { cipher: "xchacha20poly1305", nonceLength: 24, count: 315 },
] as const;
const ZEROS = "00".repeat(32);
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i);

for (const { name, api } of cryptoBuilds) {
  describe(`${name} build`, () => {
    it.each(CIPHERS)("$cipher: all of its vectors", ({ cipher, nonceLength, count }) => {
      expect(aead[cipher]).toHaveLength(count);
      for (const [number, result, key, nonce, aad, plaintext, sealed] of aead[cipher] as [number, ...string[]][]) {
        const what = `vector ${number}`;
        const bytes = hex(sealed!);
        const make = () => api[cipher](hex(key!), hex(nonce!), hex(aad!));
        if (hex(nonce!).length !== nonceLength) {
          expect(make, what).toThrow(RangeError);
          continue;
        }
        using handle = api.AeadKey.import(hex(key!));
        if (result === "valid") {
          expect(make().encrypt(hex(plaintext!)), what).toEqual(bytes);
          expect(make().decrypt(bytes), what).toEqual(hex(plaintext!));
          expect(handle.seal(hex(nonce!), hex(plaintext!), hex(aad!)), what).toEqual(bytes);
          expect(handle.open(hex(nonce!), bytes, hex(aad!)), what).toEqual(hex(plaintext!));
        } else {
          expect(() => make().decrypt(bytes), what).toThrow(api.InvalidTagError);
          expect(() => handle.open(hex(nonce!), bytes, hex(aad!)), what).toThrow(api.InvalidTagError);
        }
      }
    });

    it("x25519: all of its vectors; what would share zeros is refused", () => {
      expect(curve.x25519).toHaveLength(518);
      for (const [number, result, secret, publicKey, shared, what] of curve.x25519 as [number, ...string[]][]) {
        const title = `vector ${number}: ${what}`;
        const call = () => api.x25519.getSharedSecret(hex(secret!), hex(publicKey!));
        using handle = api.SecretKey.import(hex(secret!));
        if (shared === ZEROS) {
          expect(result, title).toBe("acceptable");
          expect(call, title).toThrow(api.LowOrderPointError);
          expect(() => handle.diffieHellman(hex(publicKey!)), title).toThrow(api.LowOrderPointError);
        } else {
          expect(call(), title).toEqual(hex(shared!));
        }
      }
    });

    it("x25519Pair: all of its vectors, each beside the one before it in either place", () => {
      const vectors = (curve.x25519 as [number, ...string[]][]).map(([number, , secret, publicKey, shared]) => ({
        number,
        keys: [hex(secret!), hex(publicKey!)] as const,
        shared,
      }));
      let previous = vectors.at(-1)!;
      for (const vector of vectors) {
        for (const [one, other] of [
          [previous, vector],
          [vector, previous],
        ] as const) {
          const title = `vectors ${one.number} and ${other.number}`;
          const call = () => api.x25519Pair(...one.keys, ...other.keys);
          if (one.shared === ZEROS || other.shared === ZEROS) expect(call, title).toThrow(api.LowOrderPointError);
          else expect(call(), title).toEqual([hex(one.shared!), hex(other.shared!)]);
        }
        previous = vector;
      }
    });

    it.each([32, 16] as const)("blake2s: the known answers with a key, %i bytes of digest", (dkLen) => {
      const answers = keyed[`digest${dkLen}`];
      expect(answers).toHaveLength(256);
      for (const [length, digest] of answers.entries()) {
        const options = { key: counting(32), dkLen };
        expect(api.blake2s(counting(length), options), `${length} bytes`).toEqual(hex(digest));
        expect(api.blake2s.create(options).update(counting(length)).digest()).toEqual(hex(digest));
      }
    });
  });
}
