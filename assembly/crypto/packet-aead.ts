/**
 * The AEAD of transport messages: a batch under one key, as aeadBegin, …Next and aeadEnd have it (aead.ts, whose rules hold here
 * too). Where the host has brought a kernel of eight blocks (modules/wide.ts), it seals and opens what takes more than four.
 *
 * Sealing: eight blocks are the key of Poly1305, put aside, and keystream for 448 bytes; further ones are for 512 bytes each.
 * Meanwhile Poly1305 takes in what the call before has encrypted: 480 bytes in a call.
 * Opening: all of the keystream is made first, and nothing is decrypted before the tag was found right. The end of the message is
 * taken in beside the first eight blocks of the message that is expected next.
 *
 * Memory: Symmetric.first and .last as in aead.ts; while opening, Symmetric.heads for the first blocks of this message and the next, in turns,
 * and Symmetric.rest for the further blocks. All is wiped by `packetsEnd`.
 */
import { aeadBegin, aeadEnd, aeadOpenNext, aeadSealNext } from "./aead";
import { xorKeystream } from "./chacha20";
import { DOUBLE_ROUNDS } from "./chacha20-simd";
import { equal16 } from "./constant-time";
import { Ending } from "./ending";
import { Symmetric } from "./layout";
import { Poly1305 } from "./poly1305";

/** Bytes that eight blocks encrypt, and what is left of them beside the key of Poly1305. */
const CHUNK_BYTES: u32 = 512;
const HEAD_BYTES: u32 = 448;
/** What Poly1305 takes in per double round. */
const GROUP_BYTES: u32 = 48;
const GROUP_BLOCKS: u32 = 3;
/** With the lengths, what goes into one call. */
const ENDING_BYTES: u32 = GROUP_BYTES * DOUBLE_ROUNDS - 16;
/** Shorter messages are one call of four blocks. */
const WIDE_LEAST: u32 = 193;
/** Longer ones have no room for their keystream: they are opened four blocks at a time. */
const WIDE_MOST: u32 = HEAD_BYTES + 17 * CHUNK_BYTES;

/** No message is expected next. */
export const NO_COUNTER: u64 = u64.MAX_VALUE;

/** Place of the kernel in the table; 0 while there is none. */
let kernel: u32 = 0;
/** The head that was made ahead, 0 for none, and the counter of its message. */
let aheadHead: usize = 0;
let aheadCounter: u64 = 0;
/** How much of the memory behind Symmetric.words this batch has used. */
let used: usize = 0;

/** @param place of the kernel in the table, 0 for none */
export function setKernel(place: u32): void {
  kernel = place;
}

class Kernel {
  /** As generated/chacha20-wide.ts has it. */
  @inline static blocks(
    dst: usize,
    src: usize,
    dst0: usize,
    src0: usize,
    counter: u32,
    message: usize,
    groups: u32,
  ): void {
    call_indirect<void>(kernel, dst, src, dst0, src0, counter, message, groups);
  }

  /** The bare keystream, 512 bytes. */
  @inline static keystream(dst: usize, counter: u32, message: usize, groups: u32): void {
    const zeros = Symmetric.zeros;
    Kernel.blocks(dst, zeros, dst, zeros, counter, message, groups);
  }
}

/** Start a batch under one key. */
export function packetsBegin(key: usize): void {
  aeadBegin(key);
  aheadHead = 0;
}

/** Seal the next message: its tag is written by the next call. */
export function sealPacket(dst: usize, src: usize, length: u32, counter: u64): void {
  if (kernel && length >= WIDE_LEAST) return sealWide(dst, src, length, counter);
  // What ends a message of the wide kind may be more than four blocks take in.
  if (Ending.scratch.blocks > 2 * DOUBLE_ROUNDS) Ending.scratch.settle(0);
  aeadSealNext(dst, src, length, counter);
}

/**
 * Open the next message.
 * @param expected  counter of the message that comes next in this batch, as far as one can know; else NO_COUNTER
 * @returns         as aeadOpenNext
 */
export function openPacket(dst: usize, src: usize, length: u32, counter: u64, expected: u64): bool {
  if (kernel && length >= WIDE_LEAST && length <= WIDE_MOST) return openWide(dst, src, length, counter, expected);
  return aeadOpenNext(dst, src, length, counter);
}

/** End a batch: writes the last tag, and wipes the key and all that was derived from it. */
export function packetsEnd(): void {
  aeadEnd();
  if (!used) return;
  memory.fill(Symmetric.words, 0, used);
  used = 0;
}

function sealWide(dst: usize, src: usize, length: u32, counter: u64): void {
  const mac = Poly1305.scratch;
  const ending = Ending.scratch;
  const first = Symmetric.first;
  const last = Symmetric.last;
  const zeros = Symmetric.zeros;
  const end = dst + length;
  const before = ending.blocks;
  const woven = min(before / GROUP_BLOCKS, DOUBLE_ROUNDS);
  let unread = dst; // ciphertext that Poly1305 has not seen
  used = max(used, Symmetric.zeros - Symmetric.words);
  store<u64>(Symmetric.state, counter, 56);
  if (length < HEAD_BYTES) {
    Kernel.keystream(first, 0, last, woven);
    xorKeystream(dst, src, first + 64, length);
    dst = end;
  } else {
    Kernel.blocks(dst - 64, src - 64, first, zeros, 0, last, woven);
    dst += HEAD_BYTES;
    src += HEAD_BYTES;
  }
  if (before) ending.settle(woven * GROUP_BLOCKS);
  mac.init(first);

  for (let block: u32 = 8; dst < end; block += 8) {
    const size = min(<u32>(end - dst), CHUNK_BYTES);
    const groups = min(<u32>(dst - unread) / GROUP_BYTES, DOUBLE_ROUNDS);
    if (size === CHUNK_BYTES) {
      Kernel.blocks(dst, src, dst, src, block, unread, groups);
    } else {
      Kernel.keystream(last, block, unread, groups);
      xorKeystream(dst, src, last, size);
    }
    unread += groups * GROUP_BYTES;
    mac.blocks(unread, <u32>(dst - unread) >> 4);
    unread = dst;
    dst += size;
    src += size;
  }
  ending.blocks = Ending.put(unread, <u32>(end - unread), 0, length);
  ending.tag = end;
}

function openWide(dst: usize, src: usize, length: u32, counter: u64, expected: u64): bool {
  const state = Symmetric.state;
  const mac = Poly1305.scratch;
  const last = Symmetric.last;
  const rest = Symmetric.rest;
  const end = src + length;
  if (Ending.scratch.blocks) Ending.scratch.settle(0);
  store<u64>(state, counter, 56);
  let head = counter === aheadCounter ? aheadHead : 0;
  if (!head) {
    head = Symmetric.heads;
    Kernel.keystream(head, 0, 0, 0);
  }
  mac.init(head);

  let unread = src; // ciphertext that Poly1305 has not seen
  let made = rest;
  for (let at = HEAD_BYTES, block: u32 = 8; at < length; at += CHUNK_BYTES, block += 8) {
    const groups = min(<u32>(end - unread) / GROUP_BYTES, DOUBLE_ROUNDS);
    Kernel.keystream(made, block, unread, groups);
    unread += groups * GROUP_BYTES;
    made += CHUNK_BYTES;
  }
  used = max(used, made - Symmetric.words);
  if (<u32>(end - unread) > ENDING_BYTES) {
    const blocks = (<u32>(end - unread) - ENDING_BYTES + 15) >> 4;
    mac.blocks(unread, blocks);
    unread += (<usize>blocks) << 4;
  }
  const blocks = Ending.put(unread, <u32>(end - unread), 0, length);
  let woven: u32 = 0;
  aheadHead = 0;
  if (expected !== NO_COUNTER) {
    aheadHead = head === Symmetric.heads ? head + CHUNK_BYTES : Symmetric.heads;
    aheadCounter = expected;
    store<u64>(state, expected, 56);
    woven = blocks / GROUP_BLOCKS;
    Kernel.keystream(aheadHead, 0, last, woven);
    woven *= GROUP_BLOCKS;
  }
  mac.blocks(last + ((<usize>woven) << 4), blocks - woven);
  const tag = Symmetric.tag;
  mac.finish(tag);

  if (!equal16(tag, end)) {
    if (dst !== src) memory.fill(dst, 0, length);
    return false;
  }
  const inHead = min(length, HEAD_BYTES);
  xorKeystream(dst, src, head + 64, inHead);
  xorKeystream(dst + inHead, src + inHead, rest, length - inHead);
  return true;
}
