// Writes four ladders of X25519 (RFC 7748 section 5) side by side as AssemblyScript, in the shape that V8 makes 256-bit instructions of when
// asked to: chacha20-wide.mjs says what it looks for. Of elements as in field-fma.mjs, whose functions are taken and widened.
//
// A quad is four elements: limb i of all of them is 32 bytes, of which each half is one v128. A line for the lower half is followed by
// the same line for the higher one, and V8 joins these two.
import { FIELD_CONSTANTS, FIELD_LIMBS, fieldFunctions } from "./field-fma.mjs";

const HALVES = [0, 1];
const VECTOR_BYTES = 16;

/** Names of vectors in the functions of field-fma.mjs; all others are addresses, and `factor`. */
const VECTOR = /\b(?:[abst]\d|twice\d|low\d|high\d|[xy]|part|column|carry|first|split|back|down|wrap)\b/g;

/** A line of those functions for one half. What lay at a multiple of a v128's size does so at the same multiple of 32. */
function half(h) {
  return (line) =>
    line
      .replace(
        /v128\.load\((\w+), (\d+)\)/g,
        (_, from, offset) => `v128.load(${from.toLowerCase()}, ${2 * offset + VECTOR_BYTES * h})`,
      )
      .replace(VECTOR, (name) => `${name}_${h}`);
}

/** `const x = …, y = …;` and `x = …; y = …;` as statements of their own. */
function statements(line) {
  const [code] = line.trim().split(" //");
  if (code.startsWith("let ")) return [];
  const declared = code.startsWith("const ") ? code.slice(6, -1).split(/, (?=\w+ = )/) : undefined;
  return declared?.map((each) => `const ${each};`) ?? code.split(/(?<=;) /);
}

/** The values of both halves, then both stores, the higher one first. */
function store(line, number) {
  const [, value, offset = "0"] = /^v128\.store\(out, (.*?)(?:, (\d+))?\);$/.exec(line);
  return [
    ...HALVES.map((h) => `const stored${number}_${h} = ${half(h)(value)};`),
    ...HALVES.map((h) => `v128.store(out, stored${number}_${h}, ${2 * Number(offset) + VECTOR_BYTES * h});`).reverse(),
  ];
}

function body(line, number) {
  if (line.startsWith("  let "))
    return [line.trim().replace(/(\w+): v128/g, (_, name) => HALVES.map((h) => `${name}_${h}: v128`).join(", "))];
  return statements(line).flatMap((each) => {
    if (each.startsWith("v128.store(")) return store(each, number);
    return each === "const out = a;" ? [each] : HALVES.map((h) => half(h)(each));
  });
}

const widened = fieldFunctions
  .split("\n")
  .flatMap((line, number) => {
    if (!line.startsWith("  "))
      return [line.replace("export function", "function").replace("): void", ", constants: usize): void")];
    return body(line, number).map((each) => `  ${each}`);
  })
  .join("\n");

/** A line for each half, in which `@` stands for its number and offsets of quads for that of the half. */
const pair = (line) =>
  HALVES.map((h) => line.replaceAll("@", h).replace(/\b([A-Z]\w*)\)/g, `$1 + ${VECTOR_BYTES * h})`));
const load = (...names) => names.flatMap((name) => pair(`const ${name.toLowerCase()}@ = v128.load(at, ${name});`));
const put = (name, value) => [
  ...pair(`const new${name}@ = ${value};`),
  ...HALVES.map((h) => `v128.store(at, new${name}${h}, ${name} + ${VECTOR_BYTES * h});`).reverse(),
];
const eachLimb = (...lines) => `for (let at = area, end = area + QUAD_BYTES; at < end; at += ${2 * VECTOR_BYTES}) {
    ${lines.flat().join("\n    ")}
  }`;

export const x25519WideKernel = () => `// @ts-nocheck
import {
  A, B, C, CONSTANTS, D, E, FACTOR, MASK, QUAD_BYTES, SCALARS, X1, X2, X3, Z2, Z3,
} from "../four-layout";

if (QUAD_BYTES !== ${2 * VECTOR_BYTES * FIELD_LIMBS} || MASK - CONSTANTS !== ${2 * VECTOR_BYTES * FIELD_CONSTANTS}) ERROR("a quad is not as four-layout.ts says");

${widened}
/** The masks that swap where bit \`t\` of a scalar and the one above it differ. */
function choose(area: usize, t: i32): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    const scalar = area + SCALARS + 32 * lane;
    const bit = <u32>load<u8>(scalar + (t >> 3)) >> (t & 7);
    const above = <u32>load<u8>(scalar + ((t + 1) >> 3)) >> ((t + 1) & 7);
    store<i64>(area + MASK + 8 * lane, -<i64>((bit ^ above) & 1));
  }
}

/** One step of RFC 7748's loop in all lanes; MASK does the conditional swap. */
function step(area: usize, next: i32): void {
  const k = area + CONSTANTS;
  const mask0 = v128.load(area, MASK), mask1 = v128.load(area, MASK + ${VECTOR_BYTES});
  ${eachLimb(
    load("X2", "Z2", "X3", "Z3"),
    pair("const changeX@ = v128.and(v128.xor(x2@, x3@), mask@);"),
    pair("const changeZ@ = v128.and(v128.xor(z2@, z3@), mask@);"),
    ...["x2", "x3"].map((x) => pair(`const ${x}s@ = v128.xor(${x}@, changeX@);`)),
    ...["z2", "z3"].map((z) => pair(`const ${z}s@ = v128.xor(${z}@, changeZ@);`)),
    put("A", "f64x2.add(x2s@, z2s@)"),
    put("B", "f64x2.sub(x2s@, z2s@)"),
    put("C", "f64x2.add(x3s@, z3s@)"),
    put("D", "f64x2.sub(x3s@, z3s@)"),
  )}
  choose(area, next);
  settle(area + A, k);
  settle(area + B, k);
  multiply(area + D, area + D, area + A, k);
  multiply(area + C, area + C, area + B, k);
  square(area + A, area + A, k);
  square(area + B, area + B, k);
  ${eachLimb(
    load("A", "B", "C", "D"),
    put("X3", "f64x2.add(d@, c@)"),
    put("Z3", "f64x2.sub(d@, c@)"),
    put("E", "f64x2.sub(a@, b@)"),
  )}
  multiply(area + X2, area + A, area + B, k);
  addScaled(area + FACTOR, area + A, 121665, area + E, k);
  settle(area + X3, k);
  settle(area + Z3, k);
  multiply(area + Z2, area + E, area + FACTOR, k);
  square(area + X3, area + X3, k);
  square(area + Z3, area + Z3, k);
  multiply(area + Z3, area + Z3, area + X1, k);
}

/**
 * X2 / Z2 = what each of four points becomes by its scalar: X1 and X3 are the points, X2 and Z3 are 1, Z2 is 0. Scalars are clamped: their
 * last bits are 0, so the loop ends without a swap.
 * @param area  as four-layout.ts has it, with the constants of field-fma.ts, each in all lanes
 */
export function climb(area: usize): void {
  choose(area, 254);
  for (let t = 254; t >= 0; t--) step(area, max(t - 1, 0));
}
`;
