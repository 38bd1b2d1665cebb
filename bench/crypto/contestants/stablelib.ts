// @stablelib/*: pure TypeScript. The AEAD writes into an output that the caller keeps, as it offers that.
import { hash as blake2s } from "@stablelib/blake2s";
import { streamXOR } from "@stablelib/chacha";
import { ChaCha20Poly1305 } from "@stablelib/chacha20poly1305";
import { oneTimeAuth } from "@stablelib/poly1305";
import { scalarMult, scalarMultBase } from "@stablelib/x25519";
import type { Contestant } from "../contestant.ts";

const TAG_BYTES = 16;

export const stablelib: Contestant[] = [
  {
    library: "@stablelib/chacha20poly1305",
    variant: "output given",
    kind: "portable",
    primitives: {
      "aead-seal": ({ key, nonce, message }) => {
        const cipher = new ChaCha20Poly1305(key);
        const output = new Uint8Array(message.length + TAG_BYTES);
        return { run: () => cipher.seal(nonce, message, undefined, output) };
      },
      "aead-open": ({ key, nonce, sealed }) => {
        const cipher = new ChaCha20Poly1305(key);
        const output = new Uint8Array(sealed.length - TAG_BYTES);
        return { run: () => cipher.open(nonce, sealed, undefined, output) };
      },
    },
  },
  {
    library: "@stablelib/chacha",
    variant: "output given",
    kind: "portable",
    primitives: {
      chacha20: ({ key, nonce, message }) => {
        const output = new Uint8Array(message.length);
        // It counts inside the array it is given: 4 bytes of counter before the nonce, back to zero for every message.
        const counterAndNonce = new Uint8Array(16);
        return {
          run() {
            counterAndNonce.fill(0, 0, 4);
            counterAndNonce.set(nonce, 4);
            return streamXOR(key, counterAndNonce, message, output, 4);
          },
        };
      },
    },
  },
  {
    library: "@stablelib/poly1305",
    kind: "portable",
    primitives: { poly1305: ({ key, message }) => ({ run: () => oneTimeAuth(key, message) }) },
  },
  {
    library: "@stablelib/x25519",
    kind: "portable",
    primitives: {
      "x25519-shared": ({ secretKey, publicKey }) => ({ run: () => scalarMult(secretKey, publicKey) }),
      "x25519-public": ({ secretKey }) => ({ run: () => scalarMultBase(secretKey) }),
    },
  },
  {
    library: "@stablelib/blake2s",
    kind: "portable",
    primitives: { blake2s: ({ message }) => ({ run: () => blake2s(message) }) },
  },
];
