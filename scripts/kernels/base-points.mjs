// Writes what assembly/crypto/base-table.ts starts from: multiples of X25519's base point B on the Edwards form of the curve (RFC 7748
// section 4.1), −x² + y² = 1 + d x² y², computed here with plain BigInt arithmetic, and the constant for adding points.

const P = 2n ** 255n - 19n;
const TABLES = 16;
const DOUBLINGS = 16; // from one table to the next
const range = (n) => Array.from({ length: n }, (_, i) => i);
const mod = (x) => ((x % P) + P) % P;

function power(x, e) {
  let result = 1n;
  for (; e > 0n; e >>= 1n, x = mod(x * x)) if (e & 1n) result = mod(result * x);
  return result;
}
const inverse = (x) => power(mod(x), P - 2n);

const D = mod(-121665n * inverse(121666n));

function add([x1, y1], [x2, y2]) {
  const product = mod(D * x1 * x2 * y1 * y2);
  return [mod((x1 * y2 + y1 * x2) * inverse(1n + product)), mod((y1 * y2 + x1 * x2) * inverse(1n - product))];
}

/** The point with u = 9, so y = (u − 1) / (u + 1) = 4/5. Either x will do: u does not depend on its sign. */
function basePoint() {
  const y = mod(4n * inverse(5n));
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  const x = mod(root * root) === square ? root : mod(root * power(2n, (P - 1n) / 4n));
  if (mod(x * x) !== square) throw new Error("no base point");
  return [x, y];
}

/** 32 bytes, little-endian, as words. */
const words = (value) => range(4).map((i) => `0x${((value >> BigInt(64 * i)) & (2n ** 64n - 1n)).toString(16)}`);

/** 2^(16 t) · B for t = 0 to 15. */
function points() {
  let point = basePoint();
  return range(TABLES).map(() => {
    const one = point;
    for (const _ of range(DOUBLINGS)) point = add(point, point);
    return one;
  });
}

export function basePointsKernel() {
  const all = points();
  return `
/** x and y of 2^${DOUBLINGS}t times the base point, t = 0 to ${TABLES - 1}: 32 bytes each. */
export const BASE_POINTS = memory.data<u64>([
${all.map((coordinates) => `  ${coordinates.flatMap(words).join(", ")},`).join("\n")}
], 16);

/** 2d, 32 bytes. */
export const TWICE_D = memory.data<u64>([${words(mod(2n * D)).join(", ")}], 16);
`;
}
