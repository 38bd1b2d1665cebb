/**
 * ChaCha20 (RFC 8439 §2.3, §2.4) and XChaCha20 (draft-irtf-cfrg-xchacha-03) as streams, and HChaCha20.
 * The state lies in scratch memory as sixteen words: four constants, eight of the key, the block counter
 * (always handed over apart, the word does not matter), three of the nonce.
 */
import { firstRound, fourBlocks } from "./chacha20-simd";
import { Symmetric, wipeSymmetric } from "./layout";
import { Partial } from "./partial";

export const CHUNK_BYTES: u32 = 256;

/** "expand 32-byte k" */
function constants(): v128 {
  return i32x4(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
}

/** Load constants and a 32-byte key into the state. */
export function setKey(state: usize, key: usize): void {
  const low = v128.load(key);
  const high = v128.load(key, 16);
  v128.store(state, constants());
  v128.store(state, low, 16);
  v128.store(state, high, 32);
}

/** Load a 12-byte nonce into the state, which has its key. */
export function setNonce(state: usize, nonce: usize): void {
  store<u32>(state, load<u32>(nonce), 52);
  setNonceEnd(state, load<u64>(nonce, 4));
}

/** Load the last eight bytes of a nonce whose first four are there: in a batch, the counter of a message. */
export function setNonceEnd(state: usize, end: u64): void {
  store<u64>(state, end, 56);
  firstRound(state);
}

/** dst = src ^ keystream, for any length. `dst` may equal `src`. */
export function xorKeystream(dst: usize, src: usize, keystream: usize, length: u32): void {
  for (; length >= 64; length -= 64) {
    v128.store(dst, v128.xor(v128.load(src), v128.load(keystream)));
    v128.store(dst, v128.xor(v128.load(src, 16), v128.load(keystream, 16)), 16);
    v128.store(dst, v128.xor(v128.load(src, 32), v128.load(keystream, 32)), 32);
    v128.store(dst, v128.xor(v128.load(src, 48), v128.load(keystream, 48)), 48);
    dst += 64;
    src += 64;
    keystream += 64;
  }
  for (; length >= 16; length -= 16) {
    v128.store(dst, v128.xor(v128.load(src), v128.load(keystream)));
    dst += 16;
    src += 16;
    keystream += 16;
  }
  Partial.xor(dst, src, keystream, length);
}

/** Encrypt or decrypt with the key and nonce in the state, from block `counter` on. */
export function xorStream(dst: usize, src: usize, length: u32, counter: u32): void {
  for (; length >= CHUNK_BYTES; length -= CHUNK_BYTES) {
    fourBlocks(dst, src, counter, 0, 0);
    dst += CHUNK_BYTES;
    src += CHUNK_BYTES;
    counter += 4;
  }
  if (length) {
    const keystream = Symmetric.last;
    fourBlocks(keystream, Symmetric.zeros, counter, 0, 0);
    xorKeystream(dst, src, keystream, length);
  }
}

/** ChaCha20: dst = src ^ keystream from block `counter` on; the counter wraps at 2^32. `dst` may equal `src`. */
export function chacha20(dst: usize, src: usize, length: u32, key: usize, nonce12: usize, counter: u32): void {
  const state = Symmetric.state;
  setKey(state, key);
  setNonce(state, nonce12);
  xorStream(dst, src, length, counter);
  wipeSymmetric();
}

/** XChaCha20: the same with a 24-byte nonce. */
export function xchacha20(dst: usize, src: usize, length: u32, key: usize, nonce24: usize, counter: u32): void {
  const subkey = Symmetric.subkey;
  const nonce = Symmetric.nonce;
  hchacha20(subkey, key, nonce24);
  innerNonce(nonce, nonce24);
  chacha20(dst, src, length, subkey, nonce, counter);
}

/** The 12-byte nonce that goes with the subkey: four zeros, then the last eight bytes of the long one. */
export function innerNonce(out: usize, nonce24: usize): void {
  store<u32>(out, 0);
  store<u64>(out, load<u64>(nonce24, 16), 4);
}

/**
 * out (32 bytes) = HChaCha20(key, 16-byte nonce); `out` may equal `key`. One block with a row of the state in
 * each of a, b, c, d. Between column and diagonal rounds the rows rotate by one, two and three words.
 */
export function hchacha20(out: usize, key: usize, nonce16: usize): void {
  let a = constants();
  let b = v128.load(key);
  let c = v128.load(key, 16);
  let d = v128.load(nonce16);
  for (let i = 0; i < 20; i++) {
    a = i32x4.add(a, b);
    d = Row.rotate(v128.xor(d, a), 16);
    c = i32x4.add(c, d);
    b = Row.rotate(v128.xor(b, c), 12);
    a = i32x4.add(a, b);
    d = Row.rotate(v128.xor(d, a), 8);
    c = i32x4.add(c, d);
    b = Row.rotate(v128.xor(b, c), 7);
    // After a column round the diagonals move under each other; after a diagonal round they move back.
    const one = i32x4.shuffle(b, b, 1, 2, 3, 0);
    const three = i32x4.shuffle(b, b, 3, 0, 1, 2);
    c = i32x4.shuffle(c, c, 2, 3, 0, 1);
    const forth = (i & 1) === 0;
    b = forth ? one : three;
    d = forth ? i32x4.shuffle(d, d, 3, 0, 1, 2) : i32x4.shuffle(d, d, 1, 2, 3, 0);
  }
  v128.store(out, a);
  v128.store(out, d, 16);
}

class Row {
  @inline static rotate(x: v128, bits: i32): v128 {
    return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
  }
}
