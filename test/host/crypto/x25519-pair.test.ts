// Two shared secrets at once are what two calls for one give, whatever the scalars and points, and refused when one of these is.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, noise } from "../../support/bytes.ts";
import { cryptoBuilds } from "../../support/crypto-builds.ts";
import vectors from "../../vectors/x25519.json" with { type: "json" };

const RUNS = { numRuns: 300 };
const KEY_BYTES = 32;
/** u + p, little endian, for u from 0 on, with and without the bit that is ignored: what is not reduced. */
const NOT_CANONICAL = Array.from({ length: 19 }, (_, u) =>
  new Uint8Array(KEY_BYTES).fill(255).fill(0xed + u, 0, 1),
).flatMap((point) => [point, point.with(31, 127)]);
const SMALL_ORDER = vectors.smallOrder.map(hex);

const random = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES });
const scalar = fc.oneof(
  { weight: 4, arbitrary: random },
  fc.integer({ min: 0, max: 255 }).map((byte) => new Uint8Array(KEY_BYTES).fill(byte)),
);
const point = fc.oneof(
  { weight: 4, arbitrary: random },
  { weight: 2, arbitrary: fc.constantFrom(...NOT_CANONICAL) },
  fc.constantFrom(...SMALL_ORDER),
);

for (const { name, api } of cryptoBuilds) {
  /** What came of a call: bytes, or the error's class and text. */
  function outcome<T>(call: () => T): T | string {
    try {
      return call();
    } catch (error) {
      return `${(error as Error).constructor.name}: ${(error as Error).message}`;
    }
  }
  const refusal = outcome(() => api.x25519.getSharedSecret(noise(32, 1), SMALL_ORDER[0]!));

  describe(`${name} build`, { timeout: 60_000 }, () => {
    it("equals two calls for one", () => {
      fc.assert(
        fc.property(scalar, point, scalar, point, (a, u, b, v) => {
          const singly = [
            outcome(() => api.x25519.getSharedSecret(a, u)),
            outcome(() => api.x25519.getSharedSecret(b, v)),
          ];
          const expected = singly.includes(refusal as string) ? refusal : singly;
          expect(outcome(() => api.x25519Pair(a, u, b, v))).toEqual(expected);
          expect(outcome(() => api.x25519Pair(a, u, a, v))).toEqual(
            outcome(() => [api.x25519.getSharedSecret(a, u), api.x25519.getSharedSecret(a, v)]),
          );
        }),
        RUNS,
      );
    });

    it.each(NOT_CANONICAL.map((bytes) => [Buffer.from(bytes).toString("hex"), bytes] as const))(
      "%s in each place",
      (_, u) => {
        const [a, b, v] = [noise(32, 2), noise(32, 3), api.x25519.getPublicKey(noise(32, 4))];
        const both = () => [api.x25519.getSharedSecret(a, u), api.x25519.getSharedSecret(b, v)];
        expect(outcome(() => api.x25519Pair(a, u, b, v))).toEqual(outcome(both));
        expect(outcome(() => api.x25519Pair(b, v, a, u))).toEqual(outcome(() => both().toReversed()));
      },
    );

    it.each(vectors.smallOrder)("%s is refused in either place and in both, in the same words", (text) => {
      const [a, b, v, small] = [noise(32, 5), noise(32, 6), api.x25519.getPublicKey(noise(32, 7)), hex(text)];
      expect(() => api.x25519Pair(a, small, b, v)).toThrow(api.LowOrderPointError);
      expect(outcome(() => api.x25519Pair(a, small, b, v))).toBe(refusal);
      expect(outcome(() => api.x25519Pair(a, v, b, small))).toBe(refusal);
      expect(outcome(() => api.x25519Pair(a, small, b, small))).toBe(refusal);
    });

    it("takes one array in several places, and returns two that share nothing", () => {
      const [key, peer] = [noise(32, 8), api.x25519.getPublicKey(noise(32, 9))];
      const shared = api.x25519.getSharedSecret(key, peer);
      const pair = api.x25519Pair(key, peer, key, peer);
      expect(pair).toEqual([shared, shared]);
      expect(pair.map(({ byteLength, buffer }) => [byteLength, buffer.byteLength])).toEqual([
        [32, 32],
        [32, 32],
      ]);
      pair[0].fill(0);
      expect(pair[1]).toEqual(shared);
      expect(key).toEqual(noise(32, 8));
    });

    it("a wrong argument is named by an error of the usual kind", () => {
      const good = [noise(32, 1), noise(32, 2), noise(32, 3), noise(32, 4)] as const;
      const names = ["secret key", "public key", "other secret key", "other public key"];
      for (const [position, argument] of names.entries()) {
        const call = (wrong: unknown) => () =>
          api.x25519Pair(...(good.with(position, wrong as Uint8Array<ArrayBuffer>) as unknown as typeof good));
        for (const length of [0, 31, 33]) expect(call(noise(length, 1)), argument).toThrow(RangeError);
        for (const wrong of [undefined, null, "00".repeat(32), Array(32).fill(0), new Uint16Array(32)]) {
          expect(call(wrong), argument).toThrow(TypeError);
          expect(call(wrong)).toThrow(`"${argument}"`);
        }
      }
    });
  });
}
