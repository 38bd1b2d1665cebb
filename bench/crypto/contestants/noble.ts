// @noble/*: audited pure JavaScript. Also the oracle that every other result is held against.

import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { chacha20, chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s } from "@noble/hashes/blake2.js";
import { nobleShaped } from "./noble-shaped.ts";

export const oracle = { chacha20poly1305, chacha20, poly1305, x25519, blake2s };

export const noble = nobleShaped(oracle, {
  ciphers: "@noble/ciphers",
  curves: "@noble/curves",
  hashes: "@noble/hashes",
  kind: "portable",
  blake2s: ({ message }) => ({ run: () => blake2s(message) }),
});
