// @ts-nocheck: AssemblyScript. The kernel with one fault, which the host chooses: what a compiler might make of it.
import { eightBlocks as right } from "../../../../assembly/crypto/generated/chacha20-wide";
import { Poly1305 } from "../../../../assembly/crypto/poly1305";
import { setScratch } from "../../../../assembly/memory/scratch";

export { setScratch };

/** Number of the fault; 0 for none. */
let fault: u32 = 0;

export function breakIt(number: u32): void {
  fault = number;
}

function flip(at: usize): void {
  store<u8>(at, load<u8>(at) ^ 1);
}

export function eightBlocks(
  dst: usize,
  src: usize,
  dst0: usize,
  src0: usize,
  counter: u32,
  message: usize,
  groups: u32,
): void {
  const behind = load<u8>(dst + 512);
  right(dst, src, dst0, src0, counter, message, groups);
  if (fault === 1) flip(dst + 511); // the last byte
  if (fault === 2) flip(dst0 + 8); // a byte of the key of Poly1305
  if (fault === 3) flip(dst0 + 31); // the last one
  if (fault === 4 && counter === 16) flip(dst + 300); // far into a message
  if (fault === 5 && groups === 10) Poly1305.scratch.h2 += 1; // the MAC, when it has the most to do
  if (fault === 6 && groups === 1) Poly1305.scratch.h0 += 1; // and the least
  if (fault === 7) store<u8>(dst + 512, ~behind); // behind its bytes
  if (fault === 8) flip(dst - 1); // and in front of them
  if (fault === 9 && counter === 136) flip(dst + 64); // only in the longest
}
