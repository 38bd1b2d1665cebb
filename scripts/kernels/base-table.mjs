// Writes the table of multiples of X25519's base point that assembly/crypto/x25519-base.ts adds up, computed here with
// plain BigInt arithmetic on the Edwards form of the curve (RFC 7748 section 4.1), −x² + y² = 1 + d x² y², where adding
// is one formula without exceptions.
//
// Table t, 0 to 15, holds m · 16^(4t) · B for m = 1 to 8, each point as y + x, y − x and 2dxy: what an addition needs.
// Tables t and t + 8 are stored side by side, for the two lanes of a pair: limb by limb as in field-f64.mjs, without
// weights, as i32, so that one v128 has two limbs for both lanes.

const P = 2n ** 255n - 19n;
const LIMBS = 12;
const LANE_TABLES = 8;
const MULTIPLES = 8;
const exponent = (i) => Math.ceil(21.25 * i);
const range = (n, from = 0) => Array.from({ length: n - from }, (_, k) => k + from);
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

const limbs = (value) =>
  range(LIMBS).map((i) => Number((value >> BigInt(exponent(i))) & (2n ** BigInt(exponent(i + 1) - exponent(i)) - 1n)));
const precomputed = ([x, y]) => [mod(y + x), mod(y - x), mod(2n * D * x * y)].flatMap(limbs);

/** The multiples 1 to 8 of each table's point, as limbs. */
function tables() {
  let point = basePoint();
  return range(2 * LANE_TABLES).map(() => {
    const multiples = [point];
    while (multiples.length < MULTIPLES) multiples.push(add(multiples.at(-1), point));
    for (let doubling = 0; doubling < 16; doubling++) point = add(point, point);
    return multiples.map(precomputed);
  });
}

export function baseTableKernel() {
  const all = tables();
  const rows = range(LANE_TABLES).flatMap((t) =>
    range(MULTIPLES).map((m) => all[t][m].flatMap((limb, i) => [limb, all[t + LANE_TABLES][m][i]]).join(", ")),
  );
  const constant = limbs(mod(2n * D)).map((limb, i) => (limb * 2 ** exponent(i)).toExponential(17));
  return `
/** Bytes of one multiple, for both lanes. */
export const ENTRY_BYTES: usize = ${4 * 3 * LIMBS * 2};
/** Bytes of a table, for both lanes. */
export const TABLE_BYTES: usize = ${4 * 3 * LIMBS * 2 * MULTIPLES};

export const BASE_TABLE = memory.data<i32>([
${rows.map((row) => `  ${row},`).join("\n")}
], 16);

/** Weights of the limbs. */
export const WEIGHTS = memory.data<f64>([${range(LIMBS)
    .map((i) => (2 ** exponent(i)).toExponential(17))
    .join(", ")}], 16);

/** 2d, in both lanes. */
export const TWICE_D = memory.data<f64>([${constant.flatMap((limb) => [limb, limb]).join(", ")}], 16);
`;
}
