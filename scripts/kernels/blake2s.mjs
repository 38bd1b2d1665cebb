// Writes the BLAKE2s compression function (RFC 7693 section 3.2) as AssemblyScript, for one message and for the two of HMAC's pads.
//
// The sixteen working words are the four rows of RFC 7693's matrix, one v128 each, so one G step works on four columns
// at once. For the diagonal half of a round, rows a, c and d are turned left by 3, 1 and 2 words, then turned back: so the
// diagonals lie under each other, and row b, which is ready last, need not be turned. The diagonal in lane 0 is the last.
//
// Each operation needs the result of the one before. So two compressions side by side take half as long again as one; and the rounds can be a
// loop, which has to look up where a message word is, for that is done long before the rows get there. Yet a lone block begins with it:
// in wasmguard/crypto, where it counts, asconfig.json has the rounds UNROLLED, and two compressions one behind the other, for size.
//
// Unrolled, JavaScriptCore takes every message word that it has loaded once to be worth keeping, and drowns in copies on its stack.
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

/** The message words of a round, from its line of SIGMA, four a step: two steps of columns, two of diagonals. */
const steps = (s) => [
  [s[0], s[2], s[4], s[6]],
  [s[1], s[3], s[5], s[7]],
  [s[14], s[8], s[10], s[12]],
  [s[15], s[9], s[11], s[13]],
];
const SCHEDULE = SIGMA.map(steps);
const offsets = SCHEDULE.map((round) => `  ${round.flat().map((word) => 4 * word)},`).join("\n");

// How the four words of a step are addressed, as arguments of a load and of one into a lane.
const fixed = (words) => words.map((word) => ({ address: "block", offset: `, ${4 * word}` }));
const scheduled = (step) =>
  [0, 1, 2, 3].map((i) => ({ address: `block + load<u8>(schedule, ${4 * step + i})`, offset: "" }));

/** Collect four message words in `m`. */
const gather = ([first, ...others]) =>
  `\n      m = v128.load32_zero(${first.address}${first.offset});${others
    .map(({ address, offset }, i) => `\n      m = v128.load_lane<u32>(${address}, m, ${i + 1}${offset});`)
    .join("")}`;

/** The same lines for each state: operations that can go on at the same time stand together. */
const each = (states, lines) => lines.flatMap((line) => states.map((state) => `\n      ${line(state)}`)).join("");

/** Half of G on all four columns: add the message words, then rotate d by `rotateD` and b by `rotateB` to the right. */
const halfG = (states, words, rotateD, rotateB) =>
  gather(words) +
  each(states, [
    ({ a, b, words }) => `${a} = i32x4.add(i32x4.add(${a}, ${words}), ${b});`,
    ({ a, d }) => `${d} = Bytes.permute(v128.xor(${d}, ${a}), rotate${rotateD});`,
    ({ c, d }) => `${c} = i32x4.add(${c}, ${d});`,
    ({ b, c }) => `${b} = v128.xor(${b}, ${c});`,
    ({ b }) => `${b} = v128.or(i32x4.shr_u(${b}, ${rotateB}), i32x4.shl(${b}, ${32 - rotateB}));`,
  ]);

/** Turn a row left by so many words. */
const turned = (row, by) => `${row} = v128.shuffle<i32>(${row}, ${row}, ${[0, 1, 2, 3].map((i) => (i + by) & 3)});`;

/** Turn rows a, c, d left by the given numbers of words. */
const turn = (states, a, c, d) =>
  each(states, [(state) => turned(state.a, a), (state) => turned(state.c, c), (state) => turned(state.d, d)]);

const round = (states, [columns, columnsToo, diagonals, diagonalsToo]) =>
  halfG(states, columns, 16, 12) +
  halfG(states, columnsToo, 8, 7) +
  turn(states, 3, 1, 2) +
  halfG(states, diagonals, 16, 12) +
  halfG(states, diagonalsToo, 8, 7) +
  turn(states, 1, 3, 2);

const loop = (...states) => `
    for (let schedule = SCHEDULE; schedule < SCHEDULE + SCHEDULE_BYTES; schedule += ROUND_BYTES) {${round(states, [0, 1, 2, 3].map(scheduled))}
    }`;

const unrolled = (state) =>
  SCHEDULE.map((words) => `\n      v128.store(h, c);${round([state], words.map(fixed))}`).join("");

const ONE = { a: "a", b: "b", c: "c", d: "d", words: "m" };
const OTHER = { a: "a2", b: "b2", c: "c2", d: "d2", words: "v128.xor(m, difference)" };

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

// Where the message words of each round lie in their block.
const SCHEDULE = memory.data<u8>([
${offsets}
], 64);
const ROUND_BYTES: usize = 16;
const SCHEDULE_BYTES: usize = 10 * ROUND_BYTES;

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
    if (isDefined(UNROLLED)) {${unrolled(ONE)}
    } else {${loop(ONE)}
    }
    h0 = v128.xor(h0, v128.xor(a, c));
    h1 = v128.xor(h1, v128.xor(b, d));
    block += 64;
  }
  v128.store(h, h0);
  v128.store(h, h1, 16);
}

function change(block: usize, difference: v128): void {
  for (let i: usize = 0; i < 64; i += 16) v128.store(block + i, v128.xor(v128.load(block + i), difference));
}

/**
 * Absorb the first block of two messages, which go on after it.
 * @param h           chaining value, 32 bytes, updated
 * @param other       room for that of the other message, which started as h did
 * @param block       of h; it may change meanwhile
 * @param difference  by which each byte of the other block differs from it
 */
export function compressPair(h: usize, other: usize, block: usize, difference: v128): void {
  if (isDefined(UNROLLED)) {
    v128.store(other, v128.load(h));
    v128.store(other, v128.load(h, 16), 16);
    compressBlocks(h, block, 1, 0, 64, 0);
    change(block, difference);
    compressBlocks(other, block, 1, 0, 64, 0);
    change(block, difference);
    return;
  }
  const rotate16 = v128.load(ROTATE), rotate8 = v128.load(ROTATE, 16);
  const h0 = v128.load(h), h1 = v128.load(h, 16);
  let a = h0, b = h1, a2 = h0, b2 = h1;
  let c = i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
  let d = i32x4(0x510e527f ^ 64, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
  let c2 = c, d2 = d;
  let m: v128;${loop(ONE, OTHER)}
  v128.store(h, v128.xor(h0, v128.xor(a, c)));
  v128.store(h, v128.xor(h1, v128.xor(b, d)), 16);
  v128.store(other, v128.xor(h0, v128.xor(a2, c2)));
  v128.store(other, v128.xor(h1, v128.xor(b2, d2)), 16);
}
`;
