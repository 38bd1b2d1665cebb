// Writes the BLAKE2s compression function (RFC 7693 section 3.2) as AssemblyScript, its ten rounds unrolled.
// The message schedule must be known at compile time, because `v128.load_lane` takes its address offset as an immediate.
//
// The sixteen working words are the four rows of RFC 7693's matrix, one v128 each, so one G step works on four columns
// at once. For the diagonal half of a round, rows a, c and d are turned left by 3, 1 and 2 words, then turned back: so the
// diagonals lie under each other, and row b, which is ready last, need not be turned. The diagonal in lane 0 is the last.
//
// JavaScriptCore takes every message word that it has loaded once to be worth keeping, and drowns in copies on its stack.
// After a store it has to load again; so each round stores a row where the result will go: a third less time there.
//
// Rotations by 16 and 8 are byte permutations: a swizzle whose masks come from memory, the cheapest form everywhere.

const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/** Collect four message words in `m`. */
const gather = ([w0, w1, w2, w3]) => `
    m = v128.load32_zero(block, ${4 * w0});
    m = v128.load_lane<u32>(block, m, 1, ${4 * w1});
    m = v128.load_lane<u32>(block, m, 2, ${4 * w2});
    m = v128.load_lane<u32>(block, m, 3, ${4 * w3});`;

/** Half of G on all four columns: add the message words, then rotate d by `rotateD` and b by `rotateB` to the right. */
const halfG = (words, rotateD, rotateB) => `${gather(words)}
    a = i32x4.add(i32x4.add(a, m), b);
    d = ${rotateD("v128.xor(d, a)")};
    c = i32x4.add(c, d);
    b = v128.xor(b, c);
    b = v128.or(i32x4.shr_u(b, ${rotateB}), i32x4.shl(b, ${32 - rotateB}));`;
const by16 = (row) => `Bytes.permute(${row}, rotate16)`;
const by8 = (row) => `Bytes.permute(${row}, rotate8)`;

/** Turn rows a, c, d left by the given numbers of words. */
const turn = (a, c, d) =>
  Object.entries({ a, c, d })
    .map(([row, by]) => `\n    ${row} = v128.shuffle<i32>(${row}, ${row}, ${[0, 1, 2, 3].map((i) => (i + by) & 3)});`)
    .join("");

/** One round; `s` is its line of SIGMA. Columns take the first eight message words, diagonals the rest. */
const round = (s) =>
  "\n    v128.store(h, c);" +
  halfG([s[0], s[2], s[4], s[6]], by16, 12) +
  halfG([s[1], s[3], s[5], s[7]], by8, 7) +
  turn(3, 1, 2) +
  halfG([s[14], s[8], s[10], s[12]], by16, 12) +
  halfG([s[15], s[9], s[11], s[13]], by8, 7) +
  turn(1, 3, 2);

export const blake2sKernel = () => `
// @ts-nocheck
class Bytes {
  @inline static permute(x: v128, mask: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(x, mask);
    return i8x16.swizzle(x, mask);
  }
}

const ROTATE = memory.data<u8>([
  2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, // right by 16
  1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12, // right by 8
], 16);

/**
 * Absorb \`blocks\` whole blocks of 64 bytes.
 * @param h          chaining value, 32 bytes, updated; apart from the blocks
 * @param counter    bytes absorbed before
 * @param increment  bytes that each block counts for: 64, or fewer in a padded last block
 * @param last       -1 when the (only) block is the last, else 0
 */
export function compressBlocks(h: usize, block: usize, blocks: u32, counter: u64, increment: u32, last: i32): void {
  const rotate16 = v128.load(ROTATE), rotate8 = v128.load(ROTATE, 16);
  let h0 = v128.load(h), h1 = v128.load(h, 16);
  let a: v128, b: v128, c: v128, d: v128, m: v128;
  for (; blocks > 0; blocks--) {
    counter += increment;
    a = h0;
    b = h1;
    c = i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
    d = v128.xor(
      i32x4(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19),
      i32x4.replace_lane(i64x2.replace_lane(i64x2.splat(0), 0, counter), 2, last),
    );
${SIGMA.map((s, i) => `    // round ${i}${round(s)}`).join("\n")}
    h0 = v128.xor(h0, v128.xor(a, c));
    h1 = v128.xor(h1, v128.xor(b, d));
    block += 64;
  }
  v128.store(h, h0);
  v128.store(h, h1, 16);
}
`;
