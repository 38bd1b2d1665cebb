// node:crypto, called as one does for packets: OpenSSL in Node, BoringSSL and more in Bun, Rust in Deno. What the runtime
// does not know fails while it is prepared, and is reported as not available. It has no Poly1305 by itself.
import * as crypto from "node:crypto";
import type { Contestant } from "../contestant.ts";

const TAG_BYTES = 16;
const AEAD = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES };
// What stands before the 32 bytes of an X25519 key in DER (RFC 8410): PKCS #8 and SubjectPublicKeyInfo.
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

const privateKeyOf = (bytes: Uint8Array) =>
  crypto.createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: "der", type: "pkcs8" });
const publicKeyOf = (bytes: Uint8Array) =>
  crypto.createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: "der", type: "spki" });

export const nodeCrypto: Contestant[] = [
  {
    library: "node:crypto",
    kind: "native",
    primitives: {
      "aead-seal": ({ key, nonce, message }) => ({
        run() {
          const cipher = crypto.createCipheriv(AEAD, key, nonce, OPTIONS);
          return Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
        },
      }),
      "aead-open": ({ key, nonce, sealed }) => {
        const ciphertext = sealed.subarray(0, -TAG_BYTES);
        const tag = sealed.subarray(-TAG_BYTES);
        let plaintext: Uint8Array = sealed;
        return {
          run() {
            const decipher = crypto.createDecipheriv(AEAD, key, nonce, OPTIONS);
            decipher.setAuthTag(tag);
            plaintext = decipher.update(ciphertext);
            decipher.final();
          },
          result: () => plaintext,
        };
      },
      chacha20: ({ key, nonce, message }) => {
        const counterAndNonce = new Uint8Array(16);
        counterAndNonce.set(nonce, 4);
        return { run: () => crypto.createCipheriv("chacha20", key, counterAndNonce).update(message) };
      },
      "x25519-shared": ({ secretKey, publicKey }) => {
        const keys = { privateKey: privateKeyOf(secretKey), publicKey: publicKeyOf(publicKey) };
        return { run: () => crypto.diffieHellman(keys) };
      },
      // The public key is computed while the private key is read; there is no call for it alone.
      "x25519-public": ({ secretKey }) => {
        const der = Buffer.concat([PKCS8_PREFIX, secretKey]);
        let key: crypto.KeyObject;
        return {
          run() {
            key = crypto.createPublicKey(crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
          },
          result: () => key.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length),
        };
      },
      // crypto.hash() makes no hash object, where the runtime has it.
      blake2s: ({ message }) => {
        const { hash } = crypto;
        return hash
          ? { run: () => hash("blake2s256", message, "buffer") }
          : { run: () => crypto.createHash("blake2s256").update(message).digest() };
      },
    },
  },
];
