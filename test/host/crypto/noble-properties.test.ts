/**
 * Properties that the suites of @noble/ciphers, @noble/hashes and @noble/curves hold their own code to, as sweeps: every size, every alignment,
 * every overlap of input and output, every way of cutting a message in two. (noble-shape.test.ts compares at random.)
 */
import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { cryptoBuilds } from "../../support/crypto-builds.ts";

const TAG_BYTES = 16;
const SIZES = 2048;
/** Around blocks of ChaCha20 and Poly1305, and several at a time. */
const OVERLAPPED = [4, 8, 64, 96, 112, 128, 320, 640];
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const counting = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => from + i);

/** The same bytes, `offset` behind the start of a buffer. */
function unaligned(bytes: Uint8Array, offset: number): Uint8Array<ArrayBuffer> {
  const view = new Uint8Array(bytes.length + offset).subarray(offset);
  view.set(bytes);
  return view;
}

/** Where two arrays may lie in one buffer: apart, over each other in every way, and the other way round. */
function* overlaps(first: number, second: number): Generator<[number, number]> {
  for (let at = first; at > 0; at--) yield [0, at];
  for (let at = 0; at <= second; at++) yield [at, 0];
}

for (const { name, api } of cryptoBuilds) {
  describe(`${name} build`, { timeout: 120_000 }, () => {
    for (const [cipher, nonceBytes] of [["chacha20poly1305", 12] as const, ["xchacha20poly1305", 24] as const]) {
      const [key, nonce, aad] = [noise(32, 1), noise(nonceBytes, 2), noise(64, 3)];
      const make = () => api[cipher](key, nonce, aad);

      it(`${cipher}: messages of every size come back, and nothing that was given has changed`, () => {
        const before = [key.slice(), nonce.slice(), aad.slice()];
        for (let size = 0; size < SIZES; size++) {
          const message = filled(size, size);
          const sealed = make().encrypt(message);
          expect(sealed.length).toBe(size + TAG_BYTES);
          if (Buffer.compare(make().decrypt(sealed), filled(size, size)) !== 0) throw new Error(`size ${size}`);
          if (Buffer.compare(message, filled(size, size)) !== 0) throw new Error(`size ${size}: changed`);
        }
        expect([key, nonce, aad]).toEqual(before);
      });

      it(`${cipher}: at every alignment`, () => {
        const message = filled(SIZES, 255);
        const expected = make().encrypt(message);
        for (let offset = 0; offset < 16; offset++) {
          const given = [key, nonce, aad].map((bytes) => unaligned(bytes, offset)) as [
            Uint8Array,
            Uint8Array,
            Uint8Array,
          ];
          const sealed = unaligned(api[cipher](...given).encrypt(unaligned(message, offset)), offset);
          expect(sealed).toEqual(expected);
          expect(api[cipher](...given).decrypt(sealed)).toEqual(message);
        }
      });

      it(`${cipher}: with input and output over each other in every way`, () => {
        for (const size of OVERLAPPED) {
          const message = noise(size, 4);
          const sealed = make().encrypt(message);
          for (const [work, input, output] of [
            ["encrypt", message, sealed],
            ["decrypt", sealed, message],
          ] as const) {
            for (const [at, outAt] of overlaps(input.length, output.length)) {
              const buffer = filled(input.length + output.length, 0xa5);
              const [from, to] = [
                buffer.subarray(at, at + input.length),
                buffer.subarray(outAt, outAt + output.length),
              ];
              from.set(input);
              const result = make()[work](from, to);
              if (result.buffer !== buffer.buffer || Buffer.compare(result, output) !== 0) {
                throw new Error(`${work} of ${size} bytes from ${at} to ${outAt}`);
              }
            }
          }
        }
      });

      it(`${cipher}: a last byte that was changed is noticed`, () => {
        for (let size = 0; size < 300; size++) {
          const sealed = make().encrypt(noise(size, 5));
          sealed[sealed.length - 1]! ^= 1;
          expect(() => make().decrypt(sealed)).toThrow(api.InvalidTagError);
        }
      });
    }

    it("poly1305: a message cut in two anywhere has the same tag", () => {
      const key = filled(32, 1);
      for (let first = 0; first <= 34; first++) {
        for (let second = 0; second <= 34; second++) {
          const [left, right] = [counting(first, 1), counting(second, 33)];
          const whole = new Uint8Array([...left, ...right]);
          expect(api.poly1305.create(key).update(left).update(right).digest()).toEqual(api.poly1305(whole, key));
        }
      }
    });

    it("poly1305: an output that is too long keeps its tail, and nothing follows an end", () => {
      const key = filled(32, 1);
      const output = filled(32, 0xa5);
      const mac = api.poly1305.create(key).update(filled(32, 5));
      mac.digestInto(output);
      expect(output).toEqual(new Uint8Array([...api.poly1305(filled(32, 5), key), ...filled(16, 0xa5)]));
      expect(() => mac.update(filled(1, 7))).toThrow();
      const destroyed = api.poly1305.create(key);
      destroyed.destroy();
      expect(() => destroyed.update(filled(1, 7))).toThrow();
      expect(() => destroyed.digest()).toThrow();
    });

    it("blake2s: what is given is not changed, and lengths are checked one by one", () => {
      const [message, key, salt, personalization] = [counting(4), counting(4), counting(8), counting(8)];
      api.blake2s(message, { key, salt, personalization });
      expect([message, key, salt, personalization]).toEqual([counting(4), counting(4), counting(8), counting(8)]);
      for (const dkLen of [-1, 0, 33, 1.5, Number.NaN]) expect(() => api.blake2s(message, { dkLen })).toThrow();
      for (const length of [0, 33]) expect(() => api.blake2s(message, { key: counting(length) })).toThrow();
      for (let length = 0; length < 64; length++) {
        if (length === 8) continue;
        expect(() => api.blake2s(message, { salt: counting(length) })).toThrow();
        expect(() => api.blake2s(message, { personalization: counting(length) })).toThrow();
      }
    });

    it("blake2s: a clone goes on where it was made, and neither disturbs the other", () => {
      for (const cut of [0, 1, 63, 64, 65, 128, 200]) {
        const [left, right, other] = [noise(cut, 6), noise(70, 7), noise(5, 8)];
        const first = api.blake2s.create().update(left);
        const second = first.clone();
        expect(first.update(right).digest()).toEqual(api.blake2s(new Uint8Array([...left, ...right])));
        expect(second.update(other).digest()).toEqual(api.blake2s(new Uint8Array([...left, ...other])));
      }
    });

    it("x25519: both sides agree, whatever their keys", () => {
      for (let i = 0; i < 100; i++) {
        const [a, b] = [api.x25519.keygen(), api.x25519.keygen()];
        const shared = api.x25519.getSharedSecret(a.secretKey, b.publicKey);
        expect(api.x25519.getSharedSecret(b.secretKey, a.publicKey)).toEqual(shared);
      }
    });
  });
}
