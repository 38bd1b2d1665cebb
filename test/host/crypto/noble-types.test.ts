// For TypeScript, too, one import line is all that changes: our functions are assignable to the types of theirs.
import type { poly1305 } from "@noble/ciphers/_poly1305.js";
import type { chacha20, chacha20poly1305, xchacha20, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import type { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import type { CHash, Hash } from "@noble/hashes/utils.js";
import { expect, it } from "vitest";
import * as wasmguard from "../../../host/crypto/index.ts";

/** Checked by tsc. Poly1305 and BLAKE2s are classes with private members there, so only their public side can be compared. */
const assignable: {
  chacha20: typeof chacha20;
  xchacha20: typeof xchacha20;
  chacha20poly1305: typeof chacha20poly1305;
  xchacha20poly1305: typeof xchacha20poly1305;
  poly1305: (...args: Parameters<typeof poly1305>) => ReturnType<typeof poly1305>;
  x25519: typeof x25519;
  blake2s: CHash<Hash<wasmguard.Blake2s>, { dkLen?: number; key?: Uint8Array; salt?: Uint8Array }>;
} = wasmguard;

it("runs where a hash of @noble/hashes is asked for", () => {
  expect(hmac(assignable.blake2s, new Uint8Array(32), new Uint8Array(3))).toHaveLength(32);
});
