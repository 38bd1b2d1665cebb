// What is measured: each primitive at its message sizes, the inputs, and the bytes that every contestant must produce.
import type { Inputs, Primitive } from "./contestant.ts";
import { oracle } from "./contestants/noble.ts";

export interface Case {
  readonly primitive: Primitive;
  /** Message bytes; 0 for operations on keys. */
  readonly bytes: number;
  readonly inputs: Inputs;
  readonly expected: Uint8Array;
}

// 64: an acknowledgement; 1420: a full packet in a tunnel; 16384: a TLS record.
const PACKET_SIZES = [64, 1420, 16384];
const SIZES: Readonly<Record<Primitive, readonly number[]>> = {
  "aead-seal": PACKET_SIZES,
  "aead-open": PACKET_SIZES,
  chacha20: PACKET_SIZES,
  poly1305: PACKET_SIZES,
  "x25519-shared": [0],
  "x25519-public": [0],
  blake2s: [32, 64, 128, 1024],
};

/** Bytes that look random and are the same in every run. */
function pattern(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

function inputsOf(bytes: number): Inputs {
  const key = pattern(32, 1);
  const nonce = new Uint8Array(12);
  nonce[4] = 7;
  const message = pattern(bytes, 2);
  const sealed = oracle.chacha20poly1305(key, nonce).encrypt(message);
  const secretKey = pattern(32, 3);
  const publicKey = oracle.x25519.getPublicKey(pattern(32, 4));
  return { key, nonce, message, sealed, secretKey, publicKey };
}

function expectedOf(primitive: Primitive, { key, nonce, message, sealed, secretKey, publicKey }: Inputs): Uint8Array {
  switch (primitive) {
    case "aead-seal":
      return sealed;
    case "aead-open":
      return message;
    case "chacha20":
      return oracle.chacha20(key, nonce, message);
    case "poly1305":
      return oracle.poly1305(message, key);
    case "x25519-shared":
      return oracle.x25519.getSharedSecret(secretKey, publicKey);
    case "x25519-public":
      return oracle.x25519.getPublicKey(secretKey);
    case "blake2s":
      return oracle.blake2s(message);
  }
}

export function allCases(): Case[] {
  return (Object.keys(SIZES) as Primitive[]).flatMap((primitive) =>
    SIZES[primitive].map((bytes) => {
      const inputs = inputsOf(bytes);
      return { primitive, bytes, inputs, expected: expectedOf(primitive, inputs) };
    }),
  );
}
