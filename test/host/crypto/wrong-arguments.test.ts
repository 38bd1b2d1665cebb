// One wrong argument at a time: an error of the same kind as from @noble/ciphers, @noble/curves and @noble/hashes.
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20, chacha20poly1305, xchacha20, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { describe, expect, it } from "vitest";
import { cryptoBuilds } from "../../support/crypto-builds.ts";
import { bytesOf, NOT_BYTES, newArena } from "./arbitrary-arguments.ts";

// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
type Any = any;

const noble = { chacha20, chacha20poly1305, xchacha20, xchacha20poly1305, poly1305, x25519, blake2s };
const WRONG = [...NOT_BYTES, ...[0, 1, 7, 15, 24, 33].map((length) => bytesOf(length, 0, 0)[0]!)];
const WRONG_NUMBERS = [null, "1", 1n, true, -1, 0.5, NaN, Infinity, 0, 33, 2 ** 32 - 1, 2 ** 32, 2 ** 53].map(
  (value) => ({
    text: `${typeof value} ${value}`,
    make: () => value,
  }),
);

/** Calls of each function with arguments that are good. */
const CALLS: Record<string, { call: (library: Any, ...args: Any[]) => unknown; good: () => unknown[] }> = {};
for (const [name, nonce] of [["chacha20poly1305", 12] as const, ["xchacha20poly1305", 24] as const]) {
  const parameters = () => [new Uint8Array(32), new Uint8Array(nonce), new Uint8Array(5)];
  CALLS[`${name} encrypt`] = {
    call: (library, key, nonce, aad, data, output) => library[name](key, nonce, aad).encrypt(data, output),
    good: () => [...parameters(), new Uint8Array(40), new Uint8Array(56)],
  };
  CALLS[`${name} decrypt`] = {
    call: (library, key, nonce, aad, data, output) => library[name](key, nonce, aad).decrypt(data, output),
    good: () => [
      ...parameters(),
      noble[name](...(parameters() as [Any, Any])).encrypt(new Uint8Array(9)),
      new Uint8Array(9),
    ],
  };
}
for (const [name, nonce] of [["chacha20", 12] as const, ["xchacha20", 24] as const]) {
  CALLS[name] = {
    call: (library, ...args) => library[name](...args),
    good: () => [new Uint8Array(32), new Uint8Array(nonce), new Uint8Array(40), new Uint8Array(40), 1],
  };
}
CALLS.poly1305 = {
  call: (library, message, key) => library.poly1305(message, key),
  good: () => [new Uint8Array(40), new Uint8Array(32)],
};
CALLS["poly1305 digestInto"] = {
  call: (library, key, data, output) => library.poly1305.create(key).update(data).digestInto(output),
  good: () => [new Uint8Array(32), new Uint8Array(3), new Uint8Array(16)],
};
CALLS.blake2s = {
  call: (library, message, dkLen, key, salt, personalization) =>
    library.blake2s(message, { dkLen, key, salt, personalization }),
  good: () => [new Uint8Array(40), 32, new Uint8Array(32), new Uint8Array(8), new Uint8Array(8)],
};
CALLS["blake2s digestInto"] = {
  call: (library, data, output) => library.blake2s.create().update(data).digestInto(output),
  good: () => [new Uint8Array(40), new Uint8Array(32)],
};
CALLS.getSharedSecret = {
  call: (library, secret, publicKey) => library.x25519.getSharedSecret(secret, publicKey),
  good: () => [new Uint8Array(32), new Uint8Array(32).fill(9)],
};
CALLS.getPublicKey = {
  call: (library, secret) => library.x25519.getPublicKey(secret),
  good: () => [new Uint8Array(32)],
};
CALLS.keygen = { call: (library, seed) => library.x25519.keygen(seed), good: () => [new Uint8Array(32)] };

function kindOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof TypeError) return "TypeError";
    return error instanceof RangeError ? "RangeError" : "Error";
  }
  return "no error";
}

for (const { name, api } of cryptoBuilds) {
  describe.each(Object.entries(CALLS))(`${name} build: %s`, (_function, { call, good }) => {
    it("throws the same kind of error", () => {
      for (let position = 0; position < good().length; position++) {
        const wrong = typeof good()[position] === "number" ? [...WRONG_NUMBERS, ...WRONG] : WRONG;
        for (const { text, make } of wrong) {
          const args = () => good().with(position, make(newArena()));
          const expected = kindOf(() => call(noble, ...args()));
          expect(
            kindOf(() => call(api, ...args())),
            `argument ${position}: ${text}`,
          ).toBe(expected);
        }
      }
    });
  });
}
