// The calls of @noble/*, made through whichever module offers them: noble itself, or wasmguard/crypto.
// AEAD twice: with an output array made for each message, and with one that the caller keeps.
import type { Contestant, Prepare } from "../contestant.ts";

interface Cipher {
  encrypt(plaintext: Uint8Array, output?: Uint8Array): Uint8Array;
  decrypt(ciphertext: Uint8Array, output?: Uint8Array): Uint8Array;
}

export interface NobleShaped {
  chacha20poly1305(key: Uint8Array, nonce: Uint8Array): Cipher;
  chacha20(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, output?: Uint8Array): Uint8Array;
  poly1305(message: Uint8Array, key: Uint8Array): Uint8Array;
  readonly x25519: {
    getPublicKey(secretKey: Uint8Array): Uint8Array;
    getSharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  };
}

interface Names extends Pick<Contestant, "kind"> {
  readonly ciphers: string;
  readonly curves: string;
  readonly hashes: string;
  /** BLAKE2s, handed in: engines inline no call that two libraries share, which takes a tenth of so short a hash. */
  readonly blake2s: Prepare;
}

const TAG_BYTES = 16;

export function nobleShaped(module: NobleShaped, { ciphers, curves, hashes, kind, blake2s }: Names): Contestant[] {
  const { chacha20poly1305, chacha20, poly1305, x25519 } = module;
  const stream: Prepare = ({ key, nonce, message }) => {
    const output = new Uint8Array(message.length);
    return { run: () => chacha20(key, nonce, message, output) };
  };
  return [
    {
      library: ciphers,
      variant: "output given",
      kind,
      primitives: {
        "aead-seal": ({ key, nonce, message }) => {
          const output = new Uint8Array(message.length + TAG_BYTES);
          return { run: () => chacha20poly1305(key, nonce).encrypt(message, output) };
        },
        "aead-open": ({ key, nonce, sealed }) => {
          const output = new Uint8Array(sealed.length - TAG_BYTES);
          return { run: () => chacha20poly1305(key, nonce).decrypt(sealed, output) };
        },
        chacha20: stream,
      },
    },
    {
      library: ciphers,
      variant: "new output",
      kind,
      primitives: {
        "aead-seal": ({ key, nonce, message }) => ({ run: () => chacha20poly1305(key, nonce).encrypt(message) }),
        "aead-open": ({ key, nonce, sealed }) => ({ run: () => chacha20poly1305(key, nonce).decrypt(sealed) }),
        chacha20: ({ key, nonce, message }) => ({ run: () => chacha20(key, nonce, message) }),
      },
    },
    {
      library: ciphers,
      kind,
      primitives: { poly1305: ({ key, message }) => ({ run: () => poly1305(message, key) }) },
    },
    {
      library: curves,
      kind,
      primitives: {
        "x25519-shared": ({ secretKey, publicKey }) => ({ run: () => x25519.getSharedSecret(secretKey, publicKey) }),
        "x25519-public": ({ secretKey }) => ({ run: () => x25519.getPublicKey(secretKey) }),
      },
    },
    { library: hashes, kind, primitives: { blake2s } },
  ];
}
