// The published vectors through every public call, in both builds.
import { describe, expect, it } from "vitest";
import { hex } from "../../support/bytes.ts";
import { cryptoBuilds } from "../../support/crypto-builds.ts";
import blake2sVectors from "../../vectors/blake2s.json" with { type: "json" };
import blake2sParameters from "../../vectors/blake2s-parameters.json" with { type: "json" };
import rfc8439 from "../../vectors/rfc8439.json" with { type: "json" };
import stablelib from "../../vectors/stablelib.json" with { type: "json" };
import x25519Vectors from "../../vectors/x25519.json" with { type: "json" };
import xchacha from "../../vectors/xchacha.json" with { type: "json" };

const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i);

for (const { name, api } of cryptoBuilds) {
  describe(`${name} build`, () => {
    it.each(rfc8439.chacha20)("chacha20: RFC 8439 $name", ({ key, nonce, counter, plaintext, ciphertext }) => {
      expect(api.chacha20(hex(key), hex(nonce), hex(plaintext), undefined, counter)).toEqual(hex(ciphertext));
    });

    it.each(xchacha.xchacha20)("xchacha20: draft $name", ({ key, nonce, counter, plaintext, ciphertext }) => {
      expect(api.xchacha20(hex(key), hex(nonce), hex(plaintext), undefined, counter)).toEqual(hex(ciphertext));
    });

    it.each(rfc8439.poly1305)("poly1305: RFC 8439 $name", ({ key, message, tag }) => {
      expect(api.poly1305(hex(message), hex(key))).toEqual(hex(tag));
      expect(api.poly1305.create(hex(key)).update(hex(message)).digest()).toEqual(hex(tag));
    });

    it.each(rfc8439.aead)("chacha20poly1305: RFC 8439 $name", ({ key, nonce, aad, plaintext, ciphertext, tag }) => {
      const cipher = api.chacha20poly1305(hex(key), hex(nonce), hex(aad));
      const sealed = hex(ciphertext + tag);
      expect(cipher.encrypt(hex(plaintext))).toEqual(sealed);
      expect(cipher.decrypt(sealed)).toEqual(hex(plaintext));
      using handle = api.AeadKey.import(hex(key));
      expect(handle.seal(hex(nonce), hex(plaintext), hex(aad))).toEqual(sealed);
      expect(handle.open(hex(nonce), sealed, hex(aad))).toEqual(hex(plaintext));
    });

    it.each(xchacha.aead)("xchacha20poly1305: draft $name", ({ key, nonce, aad, plaintext, ciphertext, tag }) => {
      const cipher = api.xchacha20poly1305(hex(key), hex(nonce), hex(aad));
      const sealed = hex(ciphertext + tag);
      expect(cipher.encrypt(hex(plaintext))).toEqual(sealed);
      expect(cipher.decrypt(sealed)).toEqual(hex(plaintext));
      using handle = api.AeadKey.import(hex(key));
      expect(handle.seal(hex(nonce), hex(plaintext), hex(aad))).toEqual(sealed);
    });

    it.each(["chacha20poly1305", "xchacha20poly1305"] as const)("%s: those of stablelib", (cipher) => {
      for (const { key, nonce, aad, plaintext, sealed } of stablelib[cipher]) {
        const made = api[cipher](hex(key), hex(nonce), aad === "" ? undefined : hex(aad));
        expect(made.encrypt(hex(plaintext))).toEqual(hex(sealed));
        expect(made.decrypt(hex(sealed))).toEqual(hex(plaintext));
      }
    });

    it("poly1305: those of stablelib", () => {
      for (const { key, message, tag } of stablelib.poly1305) {
        const bytes = typeof message === "string" ? hex(message) : new Uint8Array(message.zeros);
        expect(api.poly1305(bytes, hex(key))).toEqual(hex(tag));
      }
    });

    it.each(blake2sParameters)(
      "blake2s of every length, with key '$key', salt '$salt', personalisation '$personalization'",
      ({ digests, ...parameters }) => {
        const given = Object.entries(parameters).filter(([, text]) => text !== "");
        const options = Object.fromEntries(given.map(([option, text]) => [option, hex(text)]));
        digests.forEach((digest, i) => {
          expect(api.blake2s(new TextEncoder().encode("data"), { ...options, dkLen: i + 1 })).toEqual(hex(digest));
        });
      },
    );

    it.each(blake2sVectors.plain)("blake2s: RFC 7693, '$text'", ({ text, hash }) => {
      const message = new TextEncoder().encode(text);
      expect(api.blake2s(message)).toEqual(hex(hash));
      expect(api.blake2s.create().update(message).digest()).toEqual(hex(hash));
    });

    it.each(blake2sVectors.keyed)("blake2s with a key: $length bytes", ({ length, hash }) => {
      expect(api.blake2s(counting(length), { key: counting(32) })).toEqual(hex(hash));
      expect(
        api.blake2s
          .create({ key: counting(32) })
          .update(counting(length))
          .digest(),
      ).toEqual(hex(hash));
    });

    it.each(x25519Vectors.scalarMult)("x25519: RFC 7748 §5.2, $result", ({ scalar, u, result }) => {
      expect(api.x25519.scalarMult(hex(scalar), hex(u))).toEqual(hex(result));
      expect(api.x25519.getSharedSecret(hex(scalar), hex(u))).toEqual(hex(result));
    });

    it("x25519Pair: RFC 7748 §5.2 and §6.1", () => {
      const [first, second] = x25519Vectors.scalarMult;
      const pair = api.x25519Pair(hex(first!.scalar), hex(first!.u), hex(second!.scalar), hex(second!.u));
      expect(pair).toEqual([hex(first!.result), hex(second!.result)]);
      const { alicePrivate, alicePublic, bobPrivate, bobPublic, shared } = x25519Vectors.diffieHellman;
      const sides = [hex(alicePrivate), hex(bobPublic), hex(bobPrivate), hex(alicePublic)] as const;
      expect(api.x25519Pair(...sides)).toEqual([hex(shared), hex(shared)]);
    });

    it("x25519: RFC 7748 §6.1", () => {
      const { alicePrivate, alicePublic, bobPrivate, bobPublic, shared } = x25519Vectors.diffieHellman;
      expect(api.x25519.getPublicKey(hex(alicePrivate))).toEqual(hex(alicePublic));
      expect(api.x25519.scalarMultBase(hex(bobPrivate))).toEqual(hex(bobPublic));
      expect(api.x25519.getSharedSecret(hex(alicePrivate), hex(bobPublic))).toEqual(hex(shared));
      expect(api.x25519.keygen(hex(alicePrivate)).publicKey).toEqual(hex(alicePublic));
      using secret = api.SecretKey.import(hex(bobPrivate));
      expect(secret.publicKey()).toEqual(hex(bobPublic));
    });

    it.each(x25519Vectors.smallOrder)("x25519 refuses the point of small order %s", (point) => {
      const secret = counting(32);
      expect(() => api.x25519.getSharedSecret(secret, hex(point))).toThrow(api.LowOrderPointError);
      using handle = api.SecretKey.import(secret);
      expect(() => handle.diffieHellman(hex(point))).toThrow(api.LowOrderPointError);
    });
  });
}
