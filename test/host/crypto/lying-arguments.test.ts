// Arrays that say one length and have another, or run code when they are asked: each is taken for what it truly is, or
// refused. No other key changes, and nothing stays behind in linear memory.
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { noise } from "../../support/bytes.ts";
import { cryptoBuilds, dirtyMemories } from "../../support/crypto-builds.ts";

type Lie = (honest: Uint8Array, claimed: number) => Uint8Array;

/** X25519's base point. */
const POINT = new Uint8Array(32).fill(9, 0, 1);
/** Has `extra` bytes more than it says. */
const LONGER = 64;

const lies: Record<string, Lie> = {
  "a subclass whose length lies": (honest, claimed) => {
    class Lying extends Uint8Array {
      override get length(): number {
        return claimed;
      }
      override get byteLength(): number {
        return claimed;
      }
    }
    return new Lying(honest);
  },
  "a length of its own": (honest, claimed) => Object.defineProperty(honest, "length", { value: claimed }),
  "a Proxy": (honest, claimed) =>
    new Proxy(honest, { get: (target, name) => (name === "length" ? claimed : Reflect.get(target, name, target)) }),
  "an object with the prototype of arrays": (_, claimed) =>
    Object.create(Uint8Array.prototype, { length: { value: claimed } }),
  "a plain object that names its constructor": (_, claimed) =>
    ({ length: claimed, constructor: { name: "Uint8Array" }, BYTES_PER_ELEMENT: 1 }) as unknown as Uint8Array,
  "bytes of another width": (_, claimed) => new Uint16Array(claimed) as unknown as Uint8Array,
  "a view": (_, claimed) => new DataView(new ArrayBuffer(claimed)) as unknown as Uint8Array,
};

for (const { name, api } of cryptoBuilds) {
  const key = noise(32, 1);
  const nonce = noise(12, 2);
  const data = noise(100, 3);
  const sealed = api.chacha20poly1305(key, nonce).encrypt(data);

  /** Every place for bytes that has a fixed length: how long it should be, and a call with it. */
  const places: Record<string, [number, (bytes: Uint8Array) => unknown]> = {
    "AeadKey.import": [32, (bytes) => api.AeadKey.import(bytes)],
    "SecretKey.import": [32, (bytes) => api.SecretKey.import(bytes)],
    "key of an AEAD": [32, (bytes) => api.chacha20poly1305(bytes, nonce).encrypt(data)],
    "nonce of an AEAD": [12, (bytes) => api.chacha20poly1305(key, bytes).encrypt(data)],
    "output of sealing": [116, (bytes) => api.chacha20poly1305(key, nonce).encrypt(data, bytes)],
    "output of opening": [100, (bytes) => api.chacha20poly1305(key, nonce).decrypt(sealed, bytes)],
    "key of ChaCha20": [32, (bytes) => api.chacha20(bytes, nonce, data)],
    "nonce of XChaCha20": [24, (bytes) => api.xchacha20(key, bytes, data)],
    "output of ChaCha20": [100, (bytes) => api.chacha20(key, nonce, data, bytes)],
    "key of Poly1305": [32, (bytes) => api.poly1305(data, bytes)],
    "secret of X25519": [32, (bytes) => api.x25519.getPublicKey(bytes)],
    "point of X25519": [32, (bytes) => api.x25519.scalarMult(key, bytes)],
    "secret of a pair": [32, (bytes) => api.x25519Pair(bytes, POINT, key, POINT)],
    "point of a pair": [32, (bytes) => api.x25519Pair(key, bytes, key, POINT)],
    "other secret of a pair": [32, (bytes) => api.x25519Pair(key, POINT, bytes, POINT)],
    "other point of a pair": [32, (bytes) => api.x25519Pair(key, POINT, key, bytes)],
    "seed of X25519": [32, (bytes) => api.x25519.keygen(bytes)],
    "salt of BLAKE2s": [8, (bytes) => api.blake2s(data, { salt: bytes })],
    "personalization of BLAKE2s": [8, (bytes) => api.blake2s(data, { personalization: bytes })],
    "key of a batch": [32, (bytes) => new api.AeadBatch(1, 64).seal(bytes, 1)],
  };

  describe(`${name} build`, () => {
    const victims = [api.AeadKey.generate(), api.AeadKey.generate()];
    const seals = () => victims.map((victim) => victim.seal(nonce, data));
    let before: Uint8Array[];
    beforeEach(() => {
      before = seals();
    });
    afterEach(() => {
      expect(seals()).toEqual(before);
    });

    for (const [place, [length, call]] of Object.entries(places)) {
      it.each(Object.keys(lies))(`${place}: %s is refused`, (lie) => {
        const dirty = dirtyMemories();
        expect(() => call(lies[lie]!(noise(length + LONGER, 9), length))).toThrow(/TypeError|RangeError|expected/);
        expect(dirtyMemories()).toBe(dirty);
      });
    }

    it.each(Object.keys(lies).slice(0, 2))("a message is as long as it is: %s", (lie) => {
      const honest = noise(100, 3);
      const message = lies[lie]!(Uint8Array.from(honest), 7);
      expect(api.blake2s(message)).toEqual(api.blake2s(honest));
      expect(api.poly1305(message, key)).toEqual(api.poly1305(honest, key));
      expect(api.blake2s.create().update(message).digest()).toEqual(api.blake2s(honest));
      expect(api.chacha20(key, nonce, message)).toEqual(api.chacha20(key, nonce, honest));
      expect(api.chacha20poly1305(key, nonce, message).encrypt(message)).toEqual(
        api.chacha20poly1305(key, nonce, honest).encrypt(honest),
      );
      expect(victims[0]!.seal(nonce, message)).toEqual(victims[0]!.seal(nonce, honest));
    });

    it("no method of an output is called, so nobody sees linear memory", () => {
      const seen: unknown[] = [];
      class Curious extends Uint8Array {
        override set(source: ArrayLike<number>): void {
          seen.push(source);
        }
      }
      const output = new Curious(100);
      api.chacha20(key, nonce, data, output);
      expect(seen).toEqual([]);
      expect(Buffer.from(output)).toEqual(Buffer.from(api.chacha20(key, nonce, data)));
    });

    it("arrays of another realm and views of shared memory are taken, a buffer that is gone is not", () => {
      const foreign = runInNewContext("(class extends Uint8Array {})").from(key) as Uint8Array;
      expect(api.x25519.getPublicKey(foreign)).toEqual(api.x25519.getPublicKey(key));
      const shared = new Uint8Array(new SharedArrayBuffer(32));
      shared.set(key);
      expect(api.x25519.getPublicKey(shared)).toEqual(api.x25519.getPublicKey(key));
      const gone = Uint8Array.from(key);
      structuredClone(gone.buffer, { transfer: [gone.buffer] });
      expect(() => api.AeadKey.import(gone)).toThrow(RangeError);
    });

    it("a buffer that was resized counts as it is now", () => {
      const buffer = new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer)(32, {
        maxByteLength: 96,
      });
      const tracking = new Uint8Array(buffer);
      tracking.set(key);
      expect(api.x25519.getPublicKey(tracking)).toEqual(api.x25519.getPublicKey(key));
      (buffer as ArrayBuffer & { resize(n: number): void }).resize(96);
      expect(() => api.AeadKey.import(tracking)).toThrow(RangeError);
    });

    it("options are an object's own: a polluted prototype changes nothing", () => {
      const shared = () => api.SecretKey.import(key).diffieHellman(api.x25519.getPublicKey(noise(32, 5)));
      const derived = () => shared().deriveKey().seal(nonce, data);
      const plain = [derived(), api.blake2s(data), api.blake2s(data, {})];
      const pollution = { salt: noise(8, 6), info: noise(8, 7), key: noise(32, 8), dkLen: 16 };
      for (const [option, value] of Object.entries(pollution)) Object.assign(Object.prototype, { [option]: value });
      try {
        expect([derived(), api.blake2s(data), api.blake2s(data, {})]).toEqual(plain);
      } finally {
        for (const option of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[option];
      }
    });

    it("a message of more than 2 GiB is refused before its key is copied", () => {
      const dirty = dirtyMemories();
      const message = new Uint8Array(2 ** 31 - 20);
      expect(() => api.chacha20poly1305(key, nonce).encrypt(message)).toThrow(/expected less than \d+ bytes/);
      expect(() => api.chacha20poly1305(key, nonce).decrypt(message)).toThrow(/expected less than \d+ bytes/);
      expect(() => victims[0]!.seal(nonce, message)).toThrow(RangeError);
      expect(() => victims[0]!.seal(nonce, data, message)).toThrow(RangeError);
      expect(dirtyMemories()).toBe(dirty);
    });

    it("errors say their name, also where classes were renamed", () => {
      for (const [name, value] of Object.entries(api)) {
        if (!name.endsWith("Error") || name === "CryptoError") continue;
        const renamed = new (value as new () => Error)();
        expect(Object.getOwnPropertyDescriptor(renamed, "name")?.value).toBe(name);
      }
    });
  });
}
