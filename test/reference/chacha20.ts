// ChaCha20 as RFC 8439 §2.3 tells it, one word at a time, and HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2).
// Slow and plain: the vectorised code is compared with this.

const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const COLUMNS = [0, 1, 2, 3].map((i) => [i, i + 4, i + 8, i + 12] as const);
const DIAGONALS = [0, 1, 2, 3].map((i) => [i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4)] as const);

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function quarterRound(state: Uint32Array, [a, b, c, d]: readonly [number, number, number, number]): void {
  for (const [bitsD, bitsB] of [
    [16, 12],
    [8, 7],
  ] as const) {
    state[a]! += state[b]!;
    state[d] = rotateLeft(state[d]! ^ state[a]!, bitsD);
    state[c]! += state[d]!;
    state[b] = rotateLeft(state[b]! ^ state[c]!, bitsB);
  }
}

function twentyRounds(state: Uint32Array): void {
  for (let i = 0; i < 10; i++) for (const words of [...COLUMNS, ...DIAGONALS]) quarterRound(state, words);
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

function bytes(state: Uint32Array): Uint8Array {
  const out = new Uint8Array(4 * state.length);
  const view = new DataView(out.buffer);
  for (const [i, word] of state.entries()) view.setUint32(4 * i, word, true);
  return out;
}

/** One block of keystream. */
export function chacha20Block(key: Uint8Array, nonce12: Uint8Array, counter: number): Uint8Array {
  const initial = Uint32Array.from([...CONSTANTS, ...words(key), counter, ...words(nonce12)]);
  const state = initial.slice();
  twentyRounds(state);
  return bytes(state.map((word, i) => word + initial[i]!));
}

/** Encrypt or decrypt from block `counter` on; the counter wraps at 2^32. */
export function chacha20(key: Uint8Array, nonce12: Uint8Array, counter: number, message: Uint8Array): Uint8Array {
  const out = message.slice();
  for (let at = 0; at < out.length; at += 64) {
    const block = chacha20Block(key, nonce12, (counter + at / 64) >>> 0);
    for (let i = 0; i < 64 && at + i < out.length; i++) out[at + i]! ^= block[i]!;
  }
  return out;
}

export function hchacha20(key: Uint8Array, nonce16: Uint8Array): Uint8Array {
  const state = Uint32Array.from([...CONSTANTS, ...words(key), ...words(nonce16)]);
  twentyRounds(state);
  return bytes(Uint32Array.from([...state.slice(0, 4), ...state.slice(12)]));
}

/** XChaCha20: the first 16 bytes of the nonce go into the key, the last 8 into the inner nonce. */
export function xchacha20(key: Uint8Array, nonce24: Uint8Array, counter: number, message: Uint8Array): Uint8Array {
  const inner = Uint8Array.from([0, 0, 0, 0, ...nonce24.subarray(16)]);
  return chacha20(hchacha20(key, nonce24.subarray(0, 16)), inner, counter, message);
}
