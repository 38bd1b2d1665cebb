// Handles: what they compute, that they end, that abandoned ones give their slot back.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { blake2s } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { copiesOf, cryptoBuilds } from "../../support/crypto-builds.ts";

const nonce = noise(12, 1);
const longNonce = noise(24, 2);
const message = noise(1420, 3);

for (const { name, api, memory } of cryptoBuilds) {
  describe(`${name} build`, () => {
    it("both sides derive the same key, which is HKDF-BLAKE2s of the shared secret", () => {
      const alice = api.x25519.keygen();
      const bob = api.x25519.keygen();
      const cases = [{}, { info: noise(3, 4) }, { salt: noise(100, 5) }, { info: noise(500, 6), salt: noise(32, 7) }];
      for (const options of cases) {
        using aliceSecret = api.SecretKey.import(alice.secretKey);
        using bobSecret = api.SecretKey.import(bob.secretKey);
        using aliceShared = aliceSecret.diffieHellman(bob.publicKey);
        using bobShared = bobSecret.diffieHellman(alice.publicKey);
        using ours = aliceShared.deriveKey(options);
        using theirs = bobShared.deriveKey(options);
        const sealed = ours.seal(nonce, message);
        expect(theirs.open(nonce, sealed)).toEqual(message);
        const shared = api.x25519.getSharedSecret(alice.secretKey, bob.publicKey);
        const key = hkdf(blake2s, shared, options.salt, options.info, 32);
        expect(api.chacha20poly1305(key, nonce).encrypt(message)).toEqual(sealed);
      }
    });

    it("generated keys differ", () => {
      using one = api.SecretKey.generate();
      using other = api.SecretKey.generate();
      expect(one.publicKey()).not.toEqual(other.publicKey());
      using key = api.AeadKey.generate();
      using another = api.AeadKey.generate();
      expect(key.seal(nonce, message)).not.toEqual(another.seal(nonce, message));
    });

    it("the nonce's length picks the cipher", () => {
      const bytes = noise(32, 8);
      using key = api.AeadKey.import(bytes);
      const aad = noise(5, 9);
      expect(key.seal(nonce, message, aad)).toEqual(api.chacha20poly1305(bytes, nonce, aad).encrypt(message));
      expect(key.seal(longNonce, message, aad)).toEqual(api.xchacha20poly1305(bytes, longNonce, aad).encrypt(message));
      expect(key.open(longNonce, key.seal(longNonce, message))).toEqual(message);
      expect(() => key.seal(noise(16, 1), message)).toThrow(RangeError);
    });

    it("seals and opens in place", () => {
      using key = api.AeadKey.generate();
      const buffer = new Uint8Array(message.length + 16);
      buffer.set(message);
      expect(key.seal(nonce, buffer.subarray(0, message.length), undefined, buffer)).toBe(buffer);
      key.open(nonce, buffer, undefined, buffer.subarray(0, message.length));
      expect(buffer.subarray(0, message.length)).toEqual(message);
    });

    it("importing copies: wiping the source changes nothing", () => {
      const bytes = noise(32, 10);
      using key = api.AeadKey.import(bytes);
      const sealed = key.seal(nonce, message);
      bytes.fill(0);
      expect(key.seal(nonce, message)).toEqual(sealed);
    });

    it("every use after destroy throws; destroying again does not", () => {
      const secret = api.SecretKey.generate();
      const publicKey = secret.publicKey();
      const shared = secret.diffieHellman(publicKey);
      const key = shared.deriveKey();
      const sealed = key.seal(nonce, message);
      for (const handle of [secret, shared, key]) {
        expect(handle.destroyed).toBe(false);
        handle.destroy();
        handle.destroy();
        expect(handle.destroyed).toBe(true);
      }
      const uses = [
        () => secret.publicKey(),
        () => secret.diffieHellman(publicKey),
        () => shared.deriveKey(),
        () => key.seal(nonce, message),
        () => key.open(nonce, sealed),
        () => new api.AeadBatch(1, 64).seal(key, 0),
      ];
      for (const use of uses) expect(use).toThrow(api.KeyDestroyedError);
    });

    it("a `using` scope destroys its key, also when it throws", () => {
      let kept: InstanceType<typeof api.AeadKey> | undefined;
      expect(() => {
        using key = api.AeadKey.generate();
        kept = key;
        throw new Error("out");
      }).toThrow("out");
      expect(kept!.destroyed).toBe(true);
    });

    it("a slot that is used again does not answer to its old handle", () => {
      const old = api.AeadKey.generate();
      old.destroy();
      using next = api.AeadKey.generate();
      old.destroy();
      expect(next.open(nonce, next.seal(nonce, message))).toEqual(message);
    });

    it("says when all slots are taken, and goes on once one is free", () => {
      const handles = [];
      for (let i = 0; i < memory.KEY_SLOTS; i++) handles.push(api.AeadKey.generate());
      expect(() => api.AeadKey.generate()).toThrow(api.KeyArenaFullError);
      handles.pop()!.destroy();
      api.AeadKey.generate().destroy();
      for (const handle of handles) handle.destroy();
    });

    it("wrong keys and messages are refused with the usual errors", () => {
      expect(() => api.SecretKey.import(noise(31, 1))).toThrow(RangeError);
      expect(() => api.AeadKey.import("secret" as unknown as Uint8Array)).toThrow(TypeError);
      using key = api.AeadKey.generate();
      expect(() => key.open(nonce, noise(15, 1))).toThrow(api.InvalidLengthError);
      expect(() => key.open(nonce, noise(40, 1))).toThrow(api.InvalidTagError);
      expect(() => key.seal(nonce, message, undefined, new Uint8Array(3))).toThrow(RangeError);
    });

    it("shows nothing of the key to whoever prints it", () => {
      using key = api.AeadKey.import(new Uint8Array(32).fill(0x41));
      expect(JSON.stringify({ key })).toBe('{"key":"[AeadKey]"}');
      expect(Object.keys(key)).toEqual([]);
    });

    it("an abandoned handle is wiped when it is collected", { timeout: 20_000 }, async () => {
      setFlagsFromString("--expose-gc");
      const collect: () => void = runInNewContext("gc");
      const bytes = noise(32, 99);
      (() => api.AeadKey.import(bytes))();
      expect(copiesOf(bytes)).toBe(1);
      for (let i = 0; i < 50 && copiesOf(bytes) > 0; i++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(copiesOf(bytes)).toBe(0);
    });
  });
}
