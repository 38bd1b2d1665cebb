// Writes the constants of the Edwards form of the curve (RFC 7748 section 4.1), −x² + y² = 1 + d x² y², computed here with BigInt.

const P = 2n ** 255n - 19n;
const range = (n) => Array.from({ length: n }, (_, i) => i);
const mod = (x) => ((x % P) + P) % P;

function power(x, e) {
  let result = 1n;
  for (; e > 0n; e >>= 1n, x = mod(x * x)) if (e & 1n) result = mod(result * x);
  return result;
}
const inverse = (x) => power(mod(x), P - 2n);

const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
if (mod(ROOT_OF_MINUS_ONE ** 2n + 1n) !== 0n) throw new Error("the root of −1 is none");

/** 32 bytes, little-endian, as words. */
const words = (value) => range(4).map((i) => `0x${((value >> BigInt(64 * i)) & (2n ** 64n - 1n)).toString(16)}`);
const constant = (value) => `memory.data<u64>([${words(value).join(", ")}], 16)`;

export const edwardsKernel = () => `
/** 2d, 32 bytes. */
export const TWICE_D = ${constant(mod(2n * D))};

/** A square root of −1, 32 bytes. */
export const ROOT_OF_MINUS_ONE = ${constant(ROOT_OF_MINUS_ONE)};
`;
