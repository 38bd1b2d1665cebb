// Same input, same outcome as @noble/ciphers, @noble/curves and @noble/hashes: the same bytes in the same array, or an
// error. A failure prints the seed and the arguments. wrong-arguments.test.ts looks at the kind of error.
import { createHash } from "node:crypto";

import { poly1305 as noblePoly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20, chacha20poly1305, xchacha20, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 as nobleX25519 } from "@noble/curves/ed25519.js";
import { blake2s as nobleBlake2s } from "@noble/hashes/blake2.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cryptoBuilds } from "../../support/crypto-builds.ts";
import {
  type Arena,
  arbitraryBlake2sOptions,
  arbitraryBytes,
  arbitraryDataAndOutput,
  arbitraryNumber,
  newArena,
  type Recipe,
  texts,
} from "./arbitrary-arguments.ts";

const nobleCiphers = { chacha20, chacha20poly1305, xchacha20, xchacha20poly1305 };
const RUNS = { numRuns: 600 };

// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
type Any = any;

/** What came of a call: an error, or the bytes and where they lie. */
function outcome(call: (arena: Arena) => unknown): unknown {
  const arena = newArena();
  let result: unknown;
  try {
    result = call(arena);
  } catch {
    return "threw";
  }
  return { result, arena: plain(arena) };
}

/** The result, and which argument it is, if any. */
function invoke(call: (...args: Any[]) => unknown, recipes: readonly Recipe[]): unknown {
  return outcome((arena) => {
    const args = recipes.map(({ make }) => make(arena));
    const result = call(...args);
    return { result: plain(result), isArgument: args.indexOf(result) };
  });
}

/** Bytes as text: a Buffer does not differ from its contents, and long ones compare quickly. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return createHash("sha256").update(value).digest("hex");
  return value;
}

function sameOutcome(
  ours: (...args: Any[]) => unknown,
  noble: (...args: Any[]) => unknown,
  ...arbitraries: fc.Arbitrary<Recipe>[]
): void {
  fc.assert(
    fc.property(fc.tuple(...arbitraries), (recipes) => {
      expect(invoke(ours, recipes), texts(recipes)).toEqual(invoke(noble, recipes));
    }),
    RUNS,
  );
}

for (const { name, api } of cryptoBuilds) {
  describe(`${name} build`, { timeout: 60_000 }, () => {
    for (const [cipher, nonceLength] of [["chacha20poly1305", 12] as const, ["xchacha20poly1305", 24] as const]) {
      const aad = fc.oneof(
        fc.constant<Recipe>({ text: "undefined", make: () => undefined }),
        arbitraryBytes(0, 1, 16, 33),
      );
      const parameters = [arbitraryBytes(32), arbitraryBytes(nonceLength), aad] as const;

      it(`${cipher}: encrypt`, () => {
        const encrypt = (library: Any) => (key: Any, nonce: Any, aad: Any, data: Any, output: Any) =>
          library[cipher](key, nonce, aad).encrypt(data, output);
        fc.assert(
          fc.property(...parameters, arbitraryDataAndOutput(16), (key, nonce, aad, [data, output]) => {
            const recipes = [key, nonce, aad, data, output];
            expect(invoke(encrypt(api), recipes), texts(recipes)).toEqual(invoke(encrypt(nobleCiphers), recipes));
          }),
          RUNS,
        );
      });

      it(`${cipher}: decrypt`, () => {
        // The message is sealed in its place first, so that most are genuine.
        const decrypt = (library: Any) => (key: Any, nonce: Any, aad: Any, data: Any, output: Any, spoilt: boolean) => {
          if (data instanceof Uint8Array && data.length >= 16 && key instanceof Uint8Array && key.length === 32) {
            const plaintext = Uint8Array.from(data.subarray(0, -16));
            data.set(nobleCiphers[cipher](Uint8Array.from(key), nonce, aad).encrypt(plaintext));
            if (spoilt) data[data.length >> 1]! ^= 4;
          }
          return library[cipher](key, nonce, aad).decrypt(data, output);
        };
        const spoilt = fc.constantFrom(false, false, true).map((value) => ({ text: `${value}`, make: () => value }));
        fc.assert(
          fc.property(...parameters, arbitraryDataAndOutput(-16), spoilt, (key, nonce, aad, [data, output], wrong) => {
            const recipes = [key, nonce, aad, data, output, wrong];
            expect(invoke(decrypt(api), recipes), texts(recipes)).toEqual(invoke(decrypt(nobleCiphers), recipes));
          }),
          RUNS,
        );
      });

      it(`${cipher}: describes itself in the same way`, () => {
        expect({ ...api[cipher] }).toEqual({ ...nobleCiphers[cipher] });
      });

      it(`${cipher}: encrypts once, decrypts at any time`, () => {
        const key = new Uint8Array(32);
        const nonce = new Uint8Array(nonceLength);
        const calls = fc.array(fc.constantFrom("encrypt", "encrypt badly", "decrypt"), { maxLength: 6 });
        fc.assert(
          fc.property(calls, (names) => {
            const run = (library: Any) => {
              const { encrypt, decrypt } = library[cipher](key, nonce);
              const sealed = library[cipher](key, nonce).encrypt(new Uint8Array(3));
              const each: Record<string, () => unknown> = {
                encrypt: () => plain(encrypt(new Uint8Array(9))),
                "encrypt badly": () => plain(encrypt("text")),
                decrypt: () => plain(decrypt(sealed)),
              };
              return names.map((call) => outcome(() => each[call]!()));
            };
            expect(run(api)).toEqual(run(nobleCiphers));
          }),
        );
      });

      it(`${cipher}: uses key, nonce and AAD as they are when it is called`, () => {
        const run = (library: Any) => {
          const [key, nonce, aad] = [new Uint8Array(32), new Uint8Array(nonceLength), new Uint8Array(5)];
          const instance = library[cipher](key, nonce, aad);
          for (const bytes of [key, nonce, aad]) bytes.fill(3);
          return plain(instance.encrypt(new Uint8Array(20)));
        };
        expect(run(api)).toEqual(run(nobleCiphers));
      });
    }

    for (const [cipher, nonceLength] of [["chacha20", 12] as const, ["xchacha20", 24] as const]) {
      it(`${cipher}`, () => {
        fc.assert(
          fc.property(
            arbitraryBytes(32),
            arbitraryBytes(nonceLength),
            arbitraryDataAndOutput(0),
            arbitraryNumber(2 ** 32 - 4, 2 ** 32 - 5, 2 ** 32 - 6),
            (key, nonce, [data, output], counter) => {
              const recipes = [key, nonce, data, output, counter];
              const ours = invoke(api[cipher], recipes);
              // With an array whose buffer is gone, noble's outcome depends on where the other one begins.
              const isGone = [data, output].some(({ text }) => text === "a detached array");
              expect(ours, texts(recipes)).toEqual(isGone ? "threw" : invoke(nobleCiphers[cipher], recipes));
            },
          ),
          RUNS,
        );
      });
    }

    it("poly1305", () => {
      sameOutcome(api.poly1305, noblePoly1305, arbitraryBytes(0, 1, 15, 16, 17, 255), arbitraryBytes(32));
      expect({ ...api.poly1305, create: 0 }).toEqual({ ...noblePoly1305, create: 0 });
    });

    it("blake2s", () => {
      sameOutcome(api.blake2s, nobleBlake2s, arbitraryBytes(0, 1, 63, 64, 65, 128, 500), arbitraryBlake2sOptions());
      expect({ ...api.blake2s, create: 0 }).toEqual({ ...nobleBlake2s, create: 0 });
      expect(Object.isFrozen(api.blake2s)).toBe(Object.isFrozen(nobleBlake2s));
    });

    describe.each([
      ["blake2s", api.blake2s, nobleBlake2s, arbitraryBlake2sOptions()],
      ["poly1305", api.poly1305, noblePoly1305, arbitraryBytes(32)],
    ] as const)("%s in pieces", (hash, ours, noble, creation) => {
      it("takes the same calls in the same order", () => {
        const call = fc.tuple(
          fc.constantFrom("update", "update", "update", "digest", "digestInto", "clone", "destroy"),
          arbitraryBytes(0, 1, 16, 20, 32, 63, 64, 65, 200),
        );
        fc.assert(
          fc.property(creation, fc.array(call, { maxLength: 8 }), (options, calls) => {
            const run = (library: Any) =>
              outcome((arena) => {
                let instance = library.create(options.make(arena));
                const { outputLen, blockLen } = instance;
                const outcomes = calls
                  .filter(([method]) => hash === "blake2s" || method !== "clone")
                  .map(([method, recipe]) =>
                    outcome(() => {
                      if (method === "clone") {
                        instance = instance.clone();
                        return "cloned";
                      }
                      const argument = recipe.make(arena) as Any;
                      const result = instance[method](argument);
                      if (method === "digestInto") return [result, plain(argument)];
                      return result === instance ? "itself" : plain(result);
                    }),
                  );
                return { outputLen, blockLen, outcomes };
              });
            expect(run(ours), texts([options, ...calls.map(([, recipe]) => recipe)])).toEqual(run(noble));
          }),
          RUNS,
        );
      });
    });

    it("x25519", () => {
      const smallOrder = fc.constantFrom(0, 1).map((first) => ({
        text: `the point ${first}`,
        make: () => Uint8Array.of(first, ...new Uint8Array(31)),
      }));
      const runs = { numRuns: 150 }; // noble takes a millisecond for each
      const point = fc.oneof({ weight: 4, arbitrary: arbitraryBytes(32) }, { weight: 1, arbitrary: smallOrder });
      for (const method of ["getSharedSecret", "scalarMult"] as const) {
        fc.assert(
          fc.property(arbitraryBytes(32), point, (secret, publicKey) => {
            const recipes = [secret, publicKey];
            const expected = invoke(nobleX25519[method], recipes);
            expect(invoke(api.x25519[method], recipes), texts(recipes)).toEqual(expected);
          }),
          runs,
        );
      }
      const seeded = (library: Any) => ({
        keygen: (seed: Any) => {
          const { secretKey, publicKey } = library.keygen(seed);
          return [secretKey === seed, plain(secretKey), plain(publicKey)];
        },
        getPublicKey: library.getPublicKey,
        scalarMultBase: library.scalarMultBase,
        randomSecretKey: library.utils.randomSecretKey,
      });
      for (const method of ["keygen", "getPublicKey", "scalarMultBase", "randomSecretKey"] as const) {
        fc.assert(
          fc.property(arbitraryBytes(32), (seed) => {
            if (seed.text === "undefined") return; // random
            const expected = invoke(seeded(nobleX25519)[method], [seed]);
            expect(invoke(seeded(api.x25519)[method], [seed]), seed.text).toEqual(expected);
          }),
          runs,
        );
      }
    });

    it("x25519 has the same members", () => {
      expect(Object.keys(api.x25519).sort()).toEqual(Object.keys(nobleX25519).sort());
      expect(api.x25519.lengths).toEqual(nobleX25519.lengths);
      expect(api.x25519.GuBytes).toEqual(nobleX25519.GuBytes);
      expect(Object.keys(api.x25519.utils)).toEqual(Object.keys(nobleX25519.utils));
      const { secretKey, publicKey } = api.x25519.keygen();
      expect(publicKey).toEqual(nobleX25519.getPublicKey(secretKey));
      expect(api.x25519.utils.randomSecretKey()).not.toEqual(api.x25519.utils.randomSecretKey());
    });
  });
}
