/**
 * ChaCha20-Poly1305 (RFC 8439 §2.8). `src` holds `length` bytes, and 16 bytes of tag more when opening; `dst`
 * takes `length` bytes, and the tag when sealing. `dst` equals `src` or does not overlap it; any alignment.
 * A chunk of four blocks is encrypted while Poly1305 reads what lies before it (sealing) or from there on
 * (opening). Poly1305 gains on the chunks while opening, but starts behind them: the first are decrypted last, when the
 * tag is known, from keystream that was kept. So in place the MAC never reads plaintext. When the tag is wrong, the
 * chunks decrypted so far are encrypted again (in place) or zeroed.
 * Batches: aeadBegin, any number of …Next, aeadEnd; no other ChaCha20 or Poly1305 call in between. A message's
 * ciphertext is there after its aeadSealNext, its tag only after the next …Next or aeadEnd.
 */
import { CHUNK_BYTES, setKey, setNonce, setNonceEnd, xorKeystream, xorStream } from "./chacha20";
import { DOUBLE_ROUNDS, fourBlocks, GROUP_BYTES } from "./chacha20-simd";
import { equal16 } from "./constant-time";
import { ENDING_BYTES, Ending } from "./ending";
import { Symmetric, wipeSymmetric } from "./layout";
import { Poly1305 } from "./poly1305";

/** The first four blocks: one makes the key of Poly1305, three are keystream for this many bytes. */
const HEAD_BYTES: u32 = 192;
/** Number of the first block after those four. */
const BODY_COUNTER: u32 = 4;
/**
 * What is decrypted after the tag was found right: the head and two chunks. In the time of one chunk Poly1305 takes in
 * 320 bytes, hence 960 by the end of the third: as far as that one reaches.
 */
const DEFERRED_BYTES: u32 = HEAD_BYTES + 2 * CHUNK_BYTES;
const DEFERRED_COUNTER: u32 = BODY_COUNTER + 8;

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
  Ending.scratch.blocks = 0;
  seal(dst, src, length, aad, aadLength);
  Ending.scratch.settle(0);
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
  Ending.scratch.blocks = 0;
}

/** Seal the next message of a batch, as aeadSeal does, but for the tag: the next call writes it. */
export function aeadSealNext(dst: usize, src: usize, length: u32, counter: u64): void {
  setNonceEnd(Symmetric.state, counter);
  seal(dst, src, length, 0, 0);
}

/** Open the next message of a batch, as aeadOpen does. */
export function aeadOpenNext(dst: usize, src: usize, length: u32, counter: u64): bool {
  if (Ending.scratch.blocks) Ending.scratch.settle(0);
  setNonceEnd(Symmetric.state, counter);
  return open(dst, src, length, 0, 0);
}

/** End a batch: writes the last tag, and wipes the key and all that was derived from it. */
export function aeadEnd(): void {
  if (Ending.scratch.blocks) Ending.scratch.settle(0);
  wipeSymmetric();
}

/** All but the tag, which `ending.settle` makes. Of the message before, if its tag is outstanding, that is made here. */
function seal(dst: usize, src: usize, length: u32, aad: usize, aadLength: u32): void {
  const mac = Poly1305.scratch;
  const ending = Ending.scratch;
  const first = Symmetric.first;
  const last = Symmetric.last;
  const zeros = Symmetric.zeros;
  const before = ending.blocks;
  fourBlocks(first, zeros, 0, last, before >> 1);
  if (before) ending.settle(before & ~1);
  mac.init(first);
  if (aadLength) mac.padded(aad, aadLength);

  const end = dst + length;
  let unread = dst; // ciphertext that Poly1305 has not seen
  const head = min(length, HEAD_BYTES);
  xorKeystream(dst, src, first + 64, head);
  dst += head;
  src += head;

  for (let counter = BODY_COUNTER; dst < end; counter += 4) {
    const groups = <u32>(dst - unread) / GROUP_BYTES; // 192 or 256 bytes: all of them
    const size = min(<u32>(end - dst), CHUNK_BYTES);
    if (size === CHUNK_BYTES) {
      fourBlocks(dst, src, counter, unread, groups);
    } else {
      fourBlocks(last, zeros, counter, unread, groups);
      xorKeystream(dst, src, last, size);
    }
    unread = dst;
    dst += size;
    src += size;
  }
  ending.blocks = Ending.put(unread, <u32>(end - unread), aadLength, length);
  ending.tag = end;
}

function open(dst: usize, src: usize, length: u32, aad: usize, aadLength: u32): bool {
  const mac = Poly1305.scratch;
  const first = Symmetric.first;
  const last = Symmetric.last;
  const zeros = Symmetric.zeros;
  fourBlocks(first, zeros, 0, 0, 0);
  mac.init(first);
  if (aadLength) mac.padded(aad, aadLength);

  const end = src + length;
  const tail = length > HEAD_BYTES ? (length - HEAD_BYTES) % CHUNK_BYTES : 0;
  const whole = length - tail; // head and whole chunks, or less than the head
  const deferred = min(whole, DEFERRED_BYTES);
  const keystream = first + 64;
  let unread = src; // ciphertext that Poly1305 has not seen
  let counter = BODY_COUNTER;
  for (let at = HEAD_BYTES; at < whole; at += CHUNK_BYTES) {
    const groups = min(<u32>(end - unread) / GROUP_BYTES, DOUBLE_ROUNDS);
    if (at < DEFERRED_BYTES) fourBlocks(keystream + at, zeros, counter, unread, groups);
    else fourBlocks(dst + at, src + at, counter, unread, groups);
    unread += groups * GROUP_BYTES;
    counter += 4;
  }
  if (<u32>(end - unread) > ENDING_BYTES) {
    const ahead = (<u32>(end - unread) - ENDING_BYTES + 15) >> 4;
    mac.blocks(unread, ahead);
    unread += ahead << 4;
  }
  let blocks = Ending.put(unread, <u32>(end - unread), aadLength, length);
  let ending = last;
  if (blocks & 1 || !tail) {
    const bare = tail ? 1 : blocks;
    mac.blocks(ending, bare);
    ending += (<usize>bare) << 4;
    blocks -= bare;
  }
  if (tail) fourBlocks(last, zeros, counter, ending, blocks >> 1);
  const tag = Symmetric.tag;
  mac.finish(tag);

  if (!equal16(tag, end)) {
    if (dst === src) xorStream(dst + deferred, dst + deferred, whole - deferred, DEFERRED_COUNTER);
    else memory.fill(dst, 0, length);
    return false;
  }
  xorKeystream(dst, src, keystream, deferred);
  xorKeystream(dst + whole, src + whole, last, tail);
  return true;
}
