/**
 * HMAC-BLAKE2s (RFC 2104) and the key derivation of WireGuard (paper §5.4: KDF1, KDF2, KDF3), which is HKDF (RFC 5869)
 * with a 32-byte chaining key as salt and an empty info.
 * Memory: works behind the one-call part of SCRATCH_HASH and wipes what it used before it returns.
 */
import { SCRATCH, SCRATCH_HASH } from "../memory/scratch";
import { blake2s, ONE_CALL_BYTES } from "./blake2s";
import { BLOCK_BYTES, Blake2sSteps, HASH_BYTES, LAST_BLOCK } from "./blake2s-steps";
import { compressBlocks, compressPair } from "./generated/blake2s";

// Behind the one-call form, which hashes the keys that are too long.
const KEY: usize = ONE_CALL_BYTES; // 64 bytes: the HMAC key as a block, ^ ipad
const INNER: usize = KEY + 64; // chaining value after the block key ^ ipad
const OUTER: usize = INNER + 32; // chaining value after the block key ^ opad
const CHAIN: usize = OUTER + 32; // chaining value at work; ends as the HMAC
const BLOCK: usize = CHAIN + 32; // 64 bytes: block at work
const EXPAND: usize = BLOCK + 64; // 33 bytes: T(n-1) and the number n
const END: usize = EXPAND + 48;

const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

class Hmac {
  /** Take the key and absorb its two padded blocks, which serves for any number of messages. */
  static begin(key: usize, keyLength: u32): void {
    const base = SCRATCH + SCRATCH_HASH;
    const block = base + KEY;
    Blake2sSteps.wipeBlock(block);
    if (keyLength > BLOCK_BYTES) blake2s(block, HASH_BYTES, key, keyLength, 0, 0);
    else Blake2sSteps.fill(block, key, keyLength);
    const pad = i8x16.splat(INNER_PAD);
    v128.store(block, v128.xor(v128.load(block), pad));
    v128.store(block, v128.xor(v128.load(block, 16), pad), 16);
    v128.store(block, v128.xor(v128.load(block, 32), pad), 32);
    v128.store(block, v128.xor(v128.load(block, 48), pad), 48);
    Blake2sSteps.start(base + INNER, HASH_BYTES, 0);
    compressPair(base + INNER, base + OUTER, block, i8x16.splat(INNER_PAD ^ OUTER_PAD));
  }

  /** CHAIN = HMAC(key of begin, message). */
  static sum(src: usize, length: u32): void {
    const base = SCRATCH + SCRATCH_HASH;
    const h = base + CHAIN;
    if (length === 0) {
      Blake2sSteps.start(h, HASH_BYTES, 0);
      compressBlocks(h, base + KEY, 1, 0, BLOCK_BYTES, LAST_BLOCK); // the padded key is the whole inner message
    } else {
      Hmac.copyHash(h, base + INNER);
      Blake2sSteps.finish(h, base + BLOCK, src, length, BLOCK_BYTES);
    }
    Hmac.copyHash(base + EXPAND, h);
    Hmac.copyHash(h, base + OUTER);
    Blake2sSteps.finish(h, base + BLOCK, base + EXPAND, HASH_BYTES, BLOCK_BYTES);
  }

  @inline static copyHash(dst: usize, src: usize): void {
    v128.store(dst, v128.load(src));
    v128.store(dst, v128.load(src, 16), 16);
  }

  /** begin with a key whose pads were absorbed before. @param pads  as kdf1Padded takes them */
  static resume(pads: usize): void {
    const base = SCRATCH + SCRATCH_HASH;
    Hmac.copyHash(base + INNER, pads);
    Hmac.copyHash(base + OUTER, pads + HASH_BYTES);
  }

  /** HKDF-Extract under the key of begin or resume: the pseudorandom key becomes the key for `expand`. */
  static extract(src: usize, length: u32): void {
    Hmac.sum(src, length);
    Hmac.begin(SCRATCH + SCRATCH_HASH + CHAIN, HASH_BYTES);
  }

  /** HKDF-Expand, step `n` = 1, 2, 3 in this order: T(n) = HMAC(prk, T(n-1) ‖ n), where T(0) is empty. */
  static expand(out: usize, n: u8): void {
    const base = SCRATCH + SCRATCH_HASH;
    if (n === 1) {
      store<u8>(base + EXPAND, n);
      Hmac.sum(base + EXPAND, 1);
    } else {
      Hmac.copyHash(base + EXPAND, base + CHAIN);
      store<u8>(base + EXPAND + HASH_BYTES, n);
      Hmac.sum(base + EXPAND, HASH_BYTES + 1);
    }
    Hmac.copyHash(out, base + CHAIN);
  }

  static wipe(): void {
    const zero = i64x2.splat(0);
    for (let at = SCRATCH + SCRATCH_HASH + KEY, end = SCRATCH + SCRATCH_HASH + END; at < end; at += 16) {
      v128.store(at, zero);
    }
  }
}

/** HMAC-BLAKE2s, 32 bytes, key of any length. `out` may lie anywhere in the key or the message. */
export function hmac(out: usize, key: usize, keyLength: u32, src: usize, length: u32): void {
  Hmac.begin(key, keyLength);
  Hmac.sum(src, length);
  Hmac.copyHash(out, SCRATCH + SCRATCH_HASH + CHAIN);
  Hmac.wipe();
}

/** One output under the key of Hmac.begin or resume. */
function derive(t1: usize, src: usize, length: u32): void {
  Hmac.extract(src, length);
  Hmac.expand(t1, 1);
  Hmac.wipe();
}

/** One output of 32 bytes; it may be `key32` or the input. */
export function kdf1(t1: usize, key32: usize, src: usize, length: u32): void {
  Hmac.begin(key32, HASH_BYTES);
  derive(t1, src, length);
}

/**
 * kdf1 with a key whose pads were absorbed before, and an input that is not empty.
 * @param pads  the chaining values after the key's block ^ ipad and ^ opad, 32 bytes each
 */
export function kdf1Padded(t1: usize, pads: usize, src: usize, length: u32): void {
  Hmac.resume(pads);
  derive(t1, src, length);
}

/** Two outputs of 32 bytes, apart from each other; each may be `key32` or the input. */
export function kdf2(t1: usize, t2: usize, key32: usize, src: usize, length: u32): void {
  Hmac.begin(key32, HASH_BYTES);
  Hmac.extract(src, length);
  Hmac.expand(t1, 1);
  Hmac.expand(t2, 2);
  Hmac.wipe();
}

/** Three outputs of 32 bytes, apart from each other; each may be `key32` or the input. */
export function kdf3(t1: usize, t2: usize, t3: usize, key32: usize, src: usize, length: u32): void {
  Hmac.begin(key32, HASH_BYTES);
  Hmac.extract(src, length);
  Hmac.expand(t1, 1);
  Hmac.expand(t2, 2);
  Hmac.expand(t3, 3);
  Hmac.wipe();
}
