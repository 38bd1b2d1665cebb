/**
 * ChaCha20-Poly1305 (RFC 8439 §2.8). `src` holds `length` bytes, and 16 bytes of tag more when opening; `dst`
 * takes `length` bytes, and the tag when sealing. `dst` equals `src` or does not overlap it; any alignment.
 * A chunk of four blocks is encrypted while Poly1305 reads what lies before it (sealing) or from there on
 * (opening). Opening in place: a chunk is written only after it was authenticated, so the MAC never reads
 * plaintext. When the tag is wrong, chunks decrypted so far are encrypted again (in place) or zeroed.
 * Batches: aeadBegin, any number of …Next, aeadEnd; no other ChaCha20 or Poly1305 call in between.
 */
import { CHUNK_BYTES, setKey, setNonce, xorKeystream, xorStream } from "./chacha20";
import { DOUBLE_ROUNDS, fourBlocks, GROUP_BYTES, KEYSTREAM_ONLY } from "./chacha20-simd";
import { equal16 } from "./constant-time";
import { Symmetric, wipeSymmetric } from "./layout";
import { Poly1305 } from "./poly1305";

/** The first four blocks: one makes the key of Poly1305, three are keystream for this many bytes. */
const HEAD_BYTES: u32 = 192;
/** Number of the first block after those four. */
const BODY_COUNTER: u32 = 4;

/** Encrypt and authenticate: writes `length` + 16 bytes. */
export function aeadSeal(
  dst: usize,
  src: usize,
  length: u32,
  key: usize,
  nonce12: usize,
  aad: usize,
  aadLength: u32,
): void {
  const state = Symmetric.state;
  setKey(state, key);
  setNonce(state, nonce12);
  seal(dst, src, length, aad, aadLength);
  wipeSymmetric();
}

/**
 * Verify and decrypt.
 *
 * @param length  bytes of plaintext: what is at `src`, less the tag
 * @returns       false when the tag is wrong: then no plaintext is left in `dst`; in place, the ciphertext is
 */
export function aeadOpen(
  dst: usize,
  src: usize,
  length: u32,
  key: usize,
  nonce12: usize,
  aad: usize,
  aadLength: u32,
): bool {
  const state = Symmetric.state;
  setKey(state, key);
  setNonce(state, nonce12);
  const genuine = open(dst, src, length, aad, aadLength);
  wipeSymmetric();
  return genuine;
}

/** Start a batch under one key. Nonces are four zero bytes and a 64-bit counter; there is no AAD. */
export function aeadBegin(key: usize): void {
  const state = Symmetric.state;
  setKey(state, key);
  store<u32>(state, 0, 52);
}

/** Seal the next message of a batch, as aeadSeal does. */
export function aeadSealNext(dst: usize, src: usize, length: u32, counter: u64): void {
  store<u64>(Symmetric.state, counter, 56);
  seal(dst, src, length, 0, 0);
}

/** Open the next message of a batch, as aeadOpen does. */
export function aeadOpenNext(dst: usize, src: usize, length: u32, counter: u64): bool {
  store<u64>(Symmetric.state, counter, 56);
  return open(dst, src, length, 0, 0);
}

/** End a batch: wipes the key and all that was derived from it. */
export function aeadEnd(): void {
  wipeSymmetric();
}

function seal(dst: usize, src: usize, length: u32, aad: usize, aadLength: u32): void {
  const mac = Poly1305.scratch;
  const first = Symmetric.first;
  fourBlocks(first, KEYSTREAM_ONLY, 0, 0, 0);
  mac.init(first);
  if (aadLength) mac.padded(aad, aadLength);

  const end = dst + length;
  let unread = dst; // ciphertext that Poly1305 has not seen
  const head = min(length, HEAD_BYTES);
  xorKeystream(dst, src, first + 64, head);
  dst += head;
  src += head;

  for (let counter = BODY_COUNTER; dst < end; counter += 4) {
    const groups = min(<u32>(dst - unread) / GROUP_BYTES, DOUBLE_ROUNDS);
    const size = min(<u32>(end - dst), CHUNK_BYTES);
    if (size === CHUNK_BYTES) {
      fourBlocks(dst, src, counter, unread, groups);
    } else {
      const last = Symmetric.last;
      fourBlocks(last, KEYSTREAM_ONLY, counter, unread, groups);
      xorKeystream(dst, src, last, size);
    }
    unread += groups * GROUP_BYTES;
    dst += size;
    src += size;
  }
  mac.ending(unread, <u32>(end - unread), aadLength, length);
  mac.finish(end);
}

function open(dst: usize, src: usize, length: u32, aad: usize, aadLength: u32): bool {
  const mac = Poly1305.scratch;
  const first = Symmetric.first;
  const last = Symmetric.last;
  fourBlocks(first, KEYSTREAM_ONLY, 0, 0, 0);
  mac.init(first);
  if (aadLength) mac.padded(aad, aadLength);

  const end = src + length;
  const head = min(length, HEAD_BYTES);
  const body = (length - head) & ~(CHUNK_BYTES - 1); // whole chunks
  const tail = length - head - body;
  let unread = src; // ciphertext that Poly1305 has not seen
  if (dst === src && body) {
    // In the time of one chunk Poly1305 gets 320 bytes ahead: less than the head and the first chunk.
    const lead: u32 = HEAD_BYTES + CHUNK_BYTES - DOUBLE_ROUNDS * GROUP_BYTES;
    mac.blocks(unread, lead / 16);
    unread += lead;
  }
  let counter = BODY_COUNTER;
  for (let at = head; at < head + body; at += CHUNK_BYTES) {
    const groups = min(<u32>(end - unread) / GROUP_BYTES, DOUBLE_ROUNDS);
    fourBlocks(dst + at, src + at, counter, unread, groups);
    unread += groups * GROUP_BYTES;
    counter += 4;
  }
  if (tail) {
    const groups = min(<u32>(end - unread) / GROUP_BYTES, DOUBLE_ROUNDS);
    fourBlocks(last, KEYSTREAM_ONLY, counter, unread, groups);
    unread += groups * GROUP_BYTES;
  }
  mac.ending(unread, <u32>(end - unread), aadLength, length);
  const tag = Symmetric.tag;
  mac.finish(tag);

  if (!equal16(tag, end)) {
    if (dst === src) xorStream(dst + head, dst + head, body, BODY_COUNTER);
    else memory.fill(dst, 0, length);
    return false;
  }
  xorKeystream(dst, src, first + 64, head);
  xorKeystream(dst + head + body, src + head + body, last, tail);
  return true;
}
