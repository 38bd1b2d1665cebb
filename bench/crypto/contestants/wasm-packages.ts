// Packages that carry WebAssembly of their own for one primitive: @chainsafe/as-chacha20poly1305 (AssemblyScript, no
// SIMD) and hash-wasm (C). hash-wasm's hasher is made once and restarted for each message, its fastest way.
import { ChaCha20Poly1305, newInstance } from "@chainsafe/as-chacha20poly1305";
import { createBLAKE2s } from "hash-wasm";
import type { Contestant } from "../contestant.ts";

const TAG_BYTES = 16;
const BLAKE2S_BITS = 256;

export const wasmPackages: Contestant[] = [
  {
    library: "@chainsafe/as-chacha20poly1305",
    variant: "output given",
    kind: "portable",
    primitives: {
      "aead-seal": ({ key, nonce, message }) => {
        const cipher = new ChaCha20Poly1305(newInstance());
        const output = new Uint8Array(message.length + TAG_BYTES);
        return { run: () => cipher.seal(key, nonce, message, undefined, output) };
      },
      "aead-open": ({ key, nonce, sealed }) => {
        const cipher = new ChaCha20Poly1305(newInstance());
        const output = new Uint8Array(sealed.length - TAG_BYTES);
        return { run: () => cipher.open(key, nonce, sealed, undefined, output) };
      },
    },
  },
  {
    library: "hash-wasm",
    kind: "portable",
    primitives: {
      blake2s: async ({ message }) => {
        const hasher = await createBLAKE2s(BLAKE2S_BITS);
        return { run: () => hasher.init().update(message).digest("binary") };
      },
    },
  },
];
