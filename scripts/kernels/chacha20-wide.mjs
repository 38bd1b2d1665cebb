// Writes eight blocks of ChaCha20 (RFC 8439 section 2.3) with Poly1305 woven in as AssemblyScript, in the shape that V8 makes
// 256-bit instructions of when asked to (--experimental-wasm-revectorize). Without these it is slower than four blocks at a time
// (chacha20-simd.ts): there are twice as many values as registers.
//
// V8 looks for pairs of equal 128-bit operations, starting from two stores, and goes back along both. A pair needs
// - neighbouring addresses, if it loads or stores; of two stores the higher one first, for it is the one that may trap;
// - one basic block, and nothing between its two halves that could not change places with them: no other store;
// - the same kind: loads from constant addresses are another kind than those from computed ones;
// - an instruction that 256-bit vectors have in the same form: shifts, additions, XOR, OR, unpacking, but no permutation
//   of bytes. So every rotation is two shifts.
//
// The blocks are two groups of four, a and b. As in chacha20-simd.ts word i of a group's blocks shares one vector; each line for a is
// followed by the same line for b, and V8 joins these two. To put the words of a block together the vectors pass through memory:
// stored as words i of a and b, they are loaded as words i of a and words i + 4 of a, which lie side by side in the output.
//
// In a double round Poly1305 takes in three blocks, so that the integer multiplier works beside the vector units.

const GROUPS = ["a", "b"];
const COLUMNS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
];
const DIAGONALS = [
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];
/** Of Poly1305, in a double round. */
const MAC_BLOCKS = 3;
const DOUBLE_ROUNDS = 10;
const VECTOR_BYTES = 16;
const BLOCK_BYTES = 64;

const range = (n) => Array.from({ length: n }, (_, i) => i);
const words = range(16);
/** A line for each group. */
const pair = (line) => [GROUPS.map(line)];
/** A line for each half of a vector of 32 bytes. */
const halves = (line) => [0, 1].map(line);
const text = (lines, indent) =>
  lines
    .flat()
    .map((line) => `\n${indent}${line}`)
    .join("");

const add = (x, y) => pair((g) => `x${x}${g} = i32x4.add(x${x}${g}, x${y}${g});`);
/** x = (x ^ y) <<< bits */
const xorRotate = (x, y, bits) => [
  ...pair((g) => `x${x}${g} = v128.xor(x${x}${g}, x${y}${g});`),
  ...pair((g) => `t${x}${g} = i32x4.shl(x${x}${g}, ${bits});`),
  ...pair((g) => `x${x}${g} = i32x4.shr_u(x${x}${g}, ${32 - bits});`),
  ...pair((g) => `x${x}${g} = v128.or(t${x}${g}, x${x}${g});`),
];
const quarterRound = ([a, b, c, d]) => [
  ...[...add(a, b), ...xorRotate(d, a, 16)],
  ...[...add(c, d), ...xorRotate(b, c, 12)],
  ...[...add(a, b), ...xorRotate(d, a, 8)],
  ...[...add(c, d), ...xorRotate(b, c, 7)],
];
const doubleRound = [...COLUMNS, ...DIAGONALS].flatMap(quarterRound);

/** Take in the block of 16 bytes at `at`, as poly1305.ts does. */
const absorb = (at) => [
  `h0 += <u64>load<u32>(message, ${at});`,
  `h1 += <u64>load<u32>(message, ${at + 4});`,
  `h2 += <u64>load<u32>(message, ${at + 8});`,
  `h3 += <u64>load<u32>(message, ${at + 12}) + FULL_BLOCK;`,
  "a = a0 * (h0 + h1 + h2 + h3);",
  "b = b0 * (h2 + h3);",
  "c = c0 * (h0 + h1);",
  "e = a + a1 * (h1 + h3);",
  "o = a + a2 * (h0 + h2);",
  "d0 = e + b + b1 * h3;",
  "d1 = o + b + b2 * h2 + (d0 >> 32);",
  "d2 = e + c + c1 * h1 + (d1 >> 32);",
  "d3 = o + c + c2 * h0 + (d2 >> 32);",
  "h0 = (d0 & LOW_32) + (d3 >> 34) * 5;",
  "h1 = d1 & LOW_32;",
  "h2 = d2 & LOW_32;",
  "h3 = d3 & LOW_34;",
];

/** The few among the many, at equal distances, and the pairs of these unbroken. */
function weave(many, few) {
  const until = (i) => Math.floor((i * few.length) / many.length);
  return many.flatMap((pair, i) => [pair, few.slice(until(i), until(i + 1))]);
}

/** Read again where it is added: kept, it would be stored once more. */
const initial = (i, g) => (i === 12 ? `initial12${g}` : `v128.load32_splat(state, ${4 * i})`);
const wordAt = (i, half) => 2 * VECTOR_BYTES * i + VECTOR_BYTES * half;

/** The result: the initial state is added, and words 4q to 4q+3 of all blocks lie side by side in `words`. */
const finish = words.flatMap((i) => [
  ...pair((g) => `x${i}${g} = i32x4.add(x${i}${g}, ${initial(i, g)});`),
  GROUPS.map((g, half) => `v128.store(words, x${i}${g}, ${wordAt(i, half)});`).reverse(),
]);

/** Words 4q to 4q+7 of a group's blocks: 32 bytes of each, XORed with those of `src` and written to `dst`. */
function output(group, q) {
  const load = (half, k) => `v128.load(words, ${wordAt(4 * (q + half) + k, group)})`;
  const unpack = (to, x, y, [i, j]) =>
    halves((h) => `${to}${h} = i32x4.shuffle(w${x}${h}, w${y}${h}, ${i}, ${i + 4}, ${j}, ${j + 4});`);
  const block = ([x, y, which], k) => {
    const number = 4 * group + k;
    const [dst, src, at] = number === 0 ? ["dst0", "src0", 0] : ["dst", "src", BLOCK_BYTES * number];
    const bytes = (h) => `i64x2.shuffle(${x}${h}, ${y}${h}, ${which}, ${2 + which})`;
    const offset = (h) => at + VECTOR_BYTES * (q + h);
    return [
      halves((h) => `r${h} = v128.xor(${bytes(h)}, v128.load(${src}, ${offset(h)}));`),
      halves((h) => `v128.store(${dst}, r${h}, ${offset(h)});`).reverse(),
    ].flat();
  };
  return [
    ...range(4).map((k) => halves((h) => `w${k}${h} = ${load(h, k)};`)),
    unpack("ab", 0, 1, [0, 1]),
    unpack("cd", 2, 3, [0, 1]),
    unpack("ef", 0, 1, [2, 3]),
    unpack("gh", 2, 3, [2, 3]),
    ...[
      ["ab", "cd", 0],
      ["ab", "cd", 1],
      ["ef", "gh", 0],
      ["ef", "gh", 1],
    ].map(block),
  ];
}

const vectors = (names) => `let ${names.map((name) => `${name}: v128`).join(", ")};`;

export const chacha20WideKernel = () => `// @ts-nocheck
import { Symmetric } from "../layout";
import { FULL_BLOCK, LOW_32, LOW_34, Poly1305 } from "../poly1305";

/**
 * XOR 512 bytes with blocks \`counter\` to \`counter\` + 7 and, meanwhile, take \`groups\` · ${16 * MAC_BLOCKS} bytes into the MAC.
 * The ChaCha20 and Poly1305 states are those in scratch memory; the counter word is not read.
 *
 * @param dst, src    bytes ${BLOCK_BYTES} to 511 of both are those of the last seven blocks; they may be equal
 * @param dst0, src0  ${BLOCK_BYTES} bytes for the first block
 * @param message     what to authenticate: it has been read before anything is written
 * @param groups      at most ${DOUBLE_ROUNDS}
 */
export function eightBlocks(
  dst: usize,
  src: usize,
  dst0: usize,
  src0: usize,
  counter: u32,
  message: usize,
  groups: u32,
): void {
  const state = Symmetric.state;
  const words = Symmetric.words;
  const initial12a = i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3));
  const initial12b = i32x4.add(i32x4.splat(counter), i32x4(4, 5, 6, 7));${text(
    words.flatMap((i) => pair((g) => `let x${i}${g} = ${i !== 12 && g === "b" ? `x${i}a` : initial(i, g)};`)),
    "  ",
  )}
  ${vectors(words.slice(4).flatMap((i) => GROUPS.map((g) => `t${i}${g}`)))}
  let round: u32 = 0;
  if (groups) {
    const mac = Poly1305.scratch;
    const a0 = <u64>mac.a0, a1 = <u64>mac.a1, a2 = <u64>mac.a2;
    const b0 = <u64>mac.b0, b1 = <u64>mac.b1, b2 = <u64>mac.b2;
    const c0 = <u64>mac.c0, c1 = <u64>mac.c1, c2 = <u64>mac.c2;
    let h0 = mac.h0, h1 = mac.h1, h2 = mac.h2, h3 = mac.h3;
    let a: u64, b: u64, c: u64, e: u64, o: u64;
    let d0: u64, d1: u64, d2: u64, d3: u64;
    for (; round < groups; round++) {${text(
      weave(
        doubleRound,
        range(MAC_BLOCKS).flatMap((block) => absorb(16 * block)),
      ).flat(),
      "      ",
    )}
      message += ${16 * MAC_BLOCKS};
    }
    mac.h0 = h0;
    mac.h1 = h1;
    mac.h2 = h2;
    mac.h3 = h3;
  }
  for (; round < ${DOUBLE_ROUNDS}; round++) {${text(doubleRound, "    ")}
  }${text(finish, "  ")}
  ${vectors([0, 1].flatMap((h) => ["w0", "w1", "w2", "w3", "ab", "cd", "ef", "gh", "r"].map((name) => `${name}${h}`)))}${text(
    [0, 1].flatMap((group) => [0, 2].flatMap((q) => output(group, q))).flat(),
    "  ",
  )}
}
`;
