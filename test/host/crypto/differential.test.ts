// Every public call against @noble/* and node:crypto, for all lengths up to 2048 and some large ones, in both builds.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  diffieHellman,
  generateKeyPairSync,
} from "node:crypto";
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20, chacha20poly1305, xchacha20, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { describe, expect, it } from "vitest";
import { noise, same } from "../../support/bytes.ts";
import { cryptoBuilds } from "../../support/crypto-builds.ts";

const LENGTHS = Array.from({ length: 2049 }, (_, length) => length);
/** Around the sizes where the way through changes: chunks, and the second memory. */
const LARGE = [32_767, 32_768, 32_769, 65_536, 100_001, (1 << 20) - 16, (1 << 20) + 1, (5 << 20) + 3];

/** A view at an odd address. */
function shifted(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 9);
  buffer.set(bytes, 3);
  return buffer.subarray(3, 3 + bytes.length);
}

function opensslSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const parts = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([...parts, cipher.getAuthTag()]);
}

function opensslOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad, { plaintextLength: sealed.length - 16 });
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - 16)), decipher.final()]);
}

const random = noise(LARGE.at(-1)!, 1);
const key = noise(32, 2);
const nonce = noise(12, 3);
const longNonce = noise(24, 4);

for (const { name, api } of cryptoBuilds) {
  describe(`${name} build`, { timeout: 120_000 }, () => {
    it("AEAD of all lengths, against noble and OpenSSL", () => {
      for (const length of [...LENGTHS, ...LARGE]) {
        const plaintext = random.subarray(0, length);
        const aad = random.subarray(7, 7 + (length % 67));
        const expected = opensslSeal(key, nonce, aad, plaintext);
        const sealed = api.chacha20poly1305(key, nonce, aad).encrypt(shifted(plaintext));
        const opened = api.chacha20poly1305(key, nonce, aad).decrypt(shifted(sealed));
        if (!same(sealed, expected) || !same(opened, plaintext)) expect.fail(`length ${length}`);
        if (length % 16 < 2 && !same(opensslOpen(key, nonce, aad, sealed), plaintext)) expect.fail(`length ${length}`);
        if (length > 2048 || length % 5 > 0) continue; // noble takes its time
        if (!same(sealed, chacha20poly1305(key, nonce, aad).encrypt(plaintext))) expect.fail(`length ${length}`);
        const long = xchacha20poly1305(key, longNonce, aad).encrypt(plaintext);
        if (!same(api.xchacha20poly1305(key, longNonce, aad).encrypt(plaintext), long)) expect.fail(`length ${length}`);
        if (!same(api.xchacha20poly1305(key, longNonce, aad).decrypt(long), plaintext)) expect.fail(`length ${length}`);
      }
    });

    it("a changed bit anywhere is noticed, for all lengths", () => {
      for (const length of LENGTHS) {
        const sealed = api.chacha20poly1305(key, nonce).encrypt(random.subarray(0, length));
        sealed[(length * 7919) % sealed.length]! ^= 1 << (length % 8);
        const output = new Uint8Array(length).fill(0xaa);
        expect(() => api.chacha20poly1305(key, nonce).decrypt(sealed, output)).toThrow(api.InvalidTagError);
        if (!output.every((byte) => byte === 0xaa)) expect.fail(`length ${length}: the output was touched`);
      }
    });

    it("ChaCha20 and XChaCha20 of all lengths", () => {
      for (const length of [...LENGTHS, ...LARGE.slice(0, 5)]) {
        const data = random.subarray(0, length);
        const expected = chacha20(key, nonce, data, undefined, length);
        if (!same(api.chacha20(key, nonce, shifted(data), undefined, length), expected))
          expect.fail(`length ${length}`);
        if (length % 3 > 0) continue;
        const long = xchacha20(key, longNonce, data);
        if (!same(api.xchacha20(key, longNonce, shifted(data)), long)) expect.fail(`length ${length}`);
      }
    });

    it("a stream over itself and towards the front", () => {
      const expected = chacha20(key, nonce, random.subarray(0, 100_000));
      for (const distance of [0, 1, 63, 64, 40_000]) {
        const buffer = new Uint8Array(100_000 + distance);
        const input = buffer.subarray(distance);
        input.set(random.subarray(0, 100_000));
        const output = buffer.subarray(0, 100_000);
        expect(api.chacha20(key, nonce, input, output)).toBe(output);
        expect(same(output, expected)).toBe(true);
      }
    });

    it("Poly1305 of all lengths, at once and in pieces", () => {
      for (const length of [...LENGTHS, ...LARGE.slice(0, 5)]) {
        const message = random.subarray(0, length);
        const expected = poly1305(message, key);
        const cut = (length * 31) % (length + 1);
        const pieces = api.poly1305.create(key).update(message.subarray(0, cut)).update(message.subarray(cut));
        if (!same(api.poly1305(shifted(message), key), expected)) expect.fail(`length ${length}`);
        if (!same(pieces.digest(), expected)) expect.fail(`length ${length}, cut at ${cut}`);
      }
    });

    it("BLAKE2s of all lengths, against noble and OpenSSL", () => {
      for (const length of [...LENGTHS, ...LARGE]) {
        const message = random.subarray(0, length);
        const expected = createHash("blake2s256").update(message).digest();
        const cut = (length * 31) % (length + 1);
        const pieces = api.blake2s.create().update(message.subarray(0, cut)).clone().update(message.subarray(cut));
        if (!same(api.blake2s(shifted(message)), expected)) expect.fail(`length ${length}`);
        if (!same(pieces.digest(), expected)) expect.fail(`length ${length}, cut at ${cut}`);
        if (length > 2048) continue;
        const options = { dkLen: 1 + (length % 32), key: random.subarray(5, 6 + (length % 32)) };
        const salted = { ...options, salt: random.subarray(9, 17), personalization: random.subarray(20, 28) };
        if (!same(api.blake2s(message, options), blake2s(message, options))) expect.fail(`length ${length}, keyed`);
        if (!same(api.blake2s(message, salted), blake2s(message, salted))) expect.fail(`length ${length}, salted`);
      }
    });

    it("HMAC and HKDF of @noble/hashes take our BLAKE2s", () => {
      const message = random.subarray(0, 1000);
      expect(hmac(api.blake2s, key, message)).toEqual(hmac(blake2s, key, message));
      expect(Buffer.from(hmac(api.blake2s, key, message))).toEqual(
        createHmac("blake2s256", key).update(message).digest(),
      );
      expect(hkdf(api.blake2s, key, nonce, message, 100)).toEqual(hkdf(blake2s, key, nonce, message, 100));
    });

    it("BLAKE2s after an array that lies about its length, or fails half-way", () => {
      class Short extends Uint8Array {
        override get length(): number {
          return 70;
        }
      }
      api.blake2s(new Short(200).fill(0x77));
      expect(api.blake2s(key)).toEqual(blake2s(key));
      const fails = {
        length: { value: 20 },
        3: { value: 1 },
        15: {
          get: () => {
            throw new Error("half-way");
          },
        },
      };
      expect(() => api.blake2s(Object.create(Uint8Array.prototype, fails))).toThrow();
      expect(api.blake2s(key.subarray(0, 3))).toEqual(blake2s(key.subarray(0, 3)));
    });

    it("X25519 against noble and OpenSSL", () => {
      for (let i = 0; i < 20; i++) {
        const secret = noise(32, 1000 + i);
        const other = noise(32, 2000 + i); // any 32 bytes, canonical or not
        expect(api.x25519.getPublicKey(secret)).toEqual(x25519.getPublicKey(secret));
        expect(api.x25519.getSharedSecret(secret, other)).toEqual(x25519.getSharedSecret(secret, other));
      }
      const { privateKey, publicKey } = generateKeyPairSync("x25519");
      const peer = generateKeyPairSync("x25519");
      const secret = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-32);
      const raw = (exported: Buffer) => exported.subarray(-32);
      expect(same(api.x25519.getPublicKey(secret), raw(publicKey.export({ format: "der", type: "spki" })))).toBe(true);
      const shared = api.x25519.getSharedSecret(secret, raw(peer.publicKey.export({ format: "der", type: "spki" })));
      expect(same(shared, diffieHellman({ privateKey, publicKey: peer.publicKey }))).toBe(true);
    });
  });
}
