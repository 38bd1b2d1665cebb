/** Bytes that came or are made in pieces, some of which are secret. */
import { secretBytes } from "./text.ts";

/** One buffer of all pieces, which are wiped; the caller wipes it. */
export function joinAndWipe(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = secretBytes(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
    piece.fill(0);
  }
  return whole;
}
