// What the primitives and the contestants are called in everything that people read.
import type { Primitive } from "../crypto/contestant.ts";
import type { ContestantResult } from "../crypto/results.ts";

export const TITLES: Readonly<Record<Primitive, string>> = {
  "aead-seal": "ChaCha20-Poly1305, seal",
  "aead-open": "ChaCha20-Poly1305, open",
  chacha20: "ChaCha20",
  poly1305: "Poly1305",
  "x25519-shared": "X25519, shared secret",
  "x25519-public": "X25519, public key",
  blake2s: "BLAKE2s",
};

export function label({ library, variant }: Pick<ContestantResult, "library" | "variant">): string {
  return variant ? `${library}, ${variant}` : library;
}
