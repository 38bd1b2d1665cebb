// WebCrypto, where the runtime has the algorithm: X25519 in most, ChaCha20-Poly1305 in the newest. Keys are imported
// once. Every operation is a promise, awaited before the next begins, as a caller that needs its result does.
import type { Contestant } from "../contestant.ts";

const subtle = globalThis.crypto.subtle;
const AEAD = "ChaCha20-Poly1305";
const CURVE = "X25519";
const SHARED_BITS = 256;
const PKCS8_PREFIX = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32]); // RFC 8410

const exact = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

async function aeadKey(key: Uint8Array, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  // The name of this format is newer than the type declarations.
  return subtle.importKey("raw-secret" as "raw", exact(key), AEAD, false, [usage]);
}

export const webCrypto: Contestant[] = [
  {
    library: "WebCrypto",
    kind: "native",
    primitives: {
      "aead-seal": async ({ key, nonce, message }) => {
        const imported = await aeadKey(key, "encrypt");
        const algorithm = { name: AEAD, iv: exact(nonce) };
        const plaintext = exact(message);
        return { run: () => subtle.encrypt(algorithm, imported, plaintext) };
      },
      "aead-open": async ({ key, nonce, sealed }) => {
        const imported = await aeadKey(key, "decrypt");
        const algorithm = { name: AEAD, iv: exact(nonce) };
        const ciphertext = exact(sealed);
        return { run: () => subtle.decrypt(algorithm, imported, ciphertext) };
      },
      "x25519-shared": async ({ secretKey, publicKey }) => {
        const pkcs8 = new Uint8Array(PKCS8_PREFIX.length + secretKey.length);
        pkcs8.set(PKCS8_PREFIX);
        pkcs8.set(secretKey, PKCS8_PREFIX.length);
        const privateKey = await subtle.importKey("pkcs8", pkcs8, CURVE, false, ["deriveBits"]);
        const theirs = await subtle.importKey("raw", exact(publicKey), CURVE, false, []);
        const algorithm = { name: CURVE, public: theirs };
        return { run: () => subtle.deriveBits(algorithm, privateKey, SHARED_BITS) };
      },
    },
  },
];
