// Linear memory after each public call: as it was when it was made, but for the keys of live handles. That covers scratch
// memory, arguments and staging area, after success and after failure alike.
import { beforeEach, describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { copiesOf, cryptoBuilds, dirtyMemories } from "../../support/crypto-builds.ts";

const LARGE = (2 << 20) + 5;
const key = noise(32, 11);
const nonce = noise(12, 12);
const longNonce = noise(24, 13);
const aad = noise(1000, 14);
const salt = noise(8, 15);
const secret = noise(32, 16);

beforeEach(() => expect(dirtyMemories()).toBe(0));

for (const { name, api } of cryptoBuilds) {
  const publicKey = api.x25519.getPublicKey(noise(32, 17));
  const messages = [0, 1, 15, 16, 63, 64, 65, 255, 1420, 40_000, LARGE].map((length) => noise(length, length));

  describe(`${name} build: nothing stays behind`, () => {
    it("sealing and opening", () => {
      for (const message of messages) {
        const sealed = api.chacha20poly1305(key, nonce, aad).encrypt(message);
        expect(dirtyMemories()).toBe(0);
        api.chacha20poly1305(key, nonce, aad).decrypt(sealed);
        expect(dirtyMemories()).toBe(0);
        const long = api.xchacha20poly1305(key, longNonce, aad).encrypt(message);
        expect(dirtyMemories()).toBe(0);
        api.xchacha20poly1305(key, longNonce, aad).decrypt(long);
        expect(dirtyMemories()).toBe(0);
      }
    });

    it("opening what was forged", () => {
      for (const message of messages) {
        const sealed = api.chacha20poly1305(key, nonce, aad).encrypt(message);
        sealed[0]! ^= 1;
        expect(() => api.chacha20poly1305(key, nonce, aad).decrypt(sealed)).toThrow(api.InvalidTagError);
        expect(() => api.xchacha20poly1305(key, longNonce).decrypt(sealed)).toThrow(api.InvalidTagError);
        expect(dirtyMemories()).toBe(0);
      }
    });

    it("a failed open in place leaves the ciphertext as it was", () => {
      for (const message of messages) {
        const sealed = api.chacha20poly1305(key, nonce).encrypt(message);
        sealed[sealed.length - 1]! ^= 0x80;
        const before = Buffer.from(sealed);
        const inPlace = sealed.subarray(0, message.length);
        expect(() => api.chacha20poly1305(key, nonce).decrypt(sealed, inPlace)).toThrow(api.InvalidTagError);
        expect(before.equals(sealed)).toBe(true);
      }
    });

    it("calls that throw halfway, because a buffer is gone", () => {
      const gone = new Uint8Array(40);
      structuredClone(gone.buffer, { transfer: [gone.buffer] });
      const calls = [
        () => api.chacha20poly1305(key, nonce).encrypt(gone),
        () => api.chacha20poly1305(key, nonce, gone).encrypt(aad),
        () =>
          api.chacha20poly1305(key, nonce).decrypt(api.chacha20poly1305(key, nonce).encrypt(new Uint8Array()), gone),
        () => api.chacha20(key, nonce, gone),
        () => api.poly1305(gone, key),
        () => api.poly1305.create(key).update(gone),
      ];
      for (const call of calls) {
        expect(call).toThrow(TypeError);
        expect(dirtyMemories()).toBe(0);
      }
    });

    it("streams, MACs and hashes", () => {
      for (const message of messages) {
        api.chacha20(key, nonce, message);
        expect(dirtyMemories()).toBe(0);
        api.xchacha20(key, longNonce, message);
        expect(dirtyMemories()).toBe(0);
        api.poly1305(message, key);
        expect(dirtyMemories()).toBe(0);
        api.blake2s(message);
        expect(dirtyMemories()).toBe(0);
        api.blake2s(message, { key, dkLen: 9 });
        expect(dirtyMemories()).toBe(0);
        api.blake2s(message, { key, salt, personalization: salt });
        expect(dirtyMemories()).toBe(0);
      }
    });

    it("hashes and MACs in progress", () => {
      for (const hash of [api.blake2s.create({ key, salt }), api.poly1305.create(key)]) {
        expect(dirtyMemories()).toBe(0);
        hash.update(messages[8]!).update(messages[9]!);
        expect(dirtyMemories()).toBe(0);
        if (hash instanceof api.Blake2s) hash.clone().destroy();
        hash.digestInto(new Uint8Array(32));
        hash.destroy();
        expect(dirtyMemories()).toBe(0);
      }
    });

    it("X25519, also with a point of small order", () => {
      api.x25519.getPublicKey(secret);
      expect(dirtyMemories()).toBe(0);
      api.x25519.getSharedSecret(secret, publicKey);
      expect(dirtyMemories()).toBe(0);
      expect(() => api.x25519.getSharedSecret(secret, new Uint8Array(32))).toThrow(api.LowOrderPointError);
      expect(dirtyMemories()).toBe(0);
      api.x25519Pair(secret, publicKey, key, publicKey);
      expect(dirtyMemories()).toBe(0);
      expect(() => api.x25519Pair(secret, publicKey, key, new Uint8Array(32))).toThrow(api.LowOrderPointError);
      expect(dirtyMemories()).toBe(0);
      api.x25519.keygen();
      expect(dirtyMemories()).toBe(0);
    });

    it("a handle holds its key once; using it makes no copy; destroying it leaves none", () => {
      const shared = api.x25519.getSharedSecret(secret, publicKey);
      const handle = api.SecretKey.import(secret);
      expect(copiesOf(secret)).toBe(1);
      expect(dirtyMemories()).toBe(1); // so a key would show in the other tests
      handle.publicKey();
      const agreed = handle.diffieHellman(publicKey);
      expect([copiesOf(secret), copiesOf(shared)]).toEqual([1, 1]);
      const derived = agreed.deriveKey({ info: aad, salt });
      agreed.destroy();
      const aeadKey = api.AeadKey.import(key);
      for (const message of messages) {
        const sealed = aeadKey.seal(nonce, message, aad);
        aeadKey.open(nonce, sealed, aad);
        derived.open(nonce, derived.seal(nonce, message));
        sealed[0]! ^= 1;
        expect(() => aeadKey.open(nonce, sealed, aad)).toThrow(api.InvalidTagError);
      }
      expect(copiesOf(key)).toBe(1);
      expect(() => handle.diffieHellman(new Uint8Array(32))).toThrow(api.LowOrderPointError);
      for (const used of [handle, derived, aeadKey]) used.destroy();
      expect(dirtyMemories()).toBe(0);
    });

    it("a batch holds no key between calls, and nothing once destroyed", () => {
      const batch = new api.AeadBatch(8, 12_000);
      for (let i = 0; i < 8; i++) {
        batch.offsets[i] = 1500 * i;
        batch.lengths[i] = 1420;
        batch.counters[i] = BigInt(i);
      }
      batch.seal(key, 8);
      batch.area[20] = batch.area[20]! ^ 1;
      batch.open(key, 8);
      expect([...batch.outcomes]).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
      expect(copiesOf(key)).toBe(0);
      batch.lengths[3] = 13_000;
      expect(() => batch.seal(key, 8)).toThrow(RangeError);
      expect(copiesOf(key)).toBe(0);
      batch.destroy();
      expect(dirtyMemories()).toBe(0);
    });
  });
}
