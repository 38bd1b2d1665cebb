// X25519 in both builds: RFC 7748's vectors, then noble and OpenSSL on random, small-order and non-canonical points.
import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { x25519 as noble } from "@noble/curves/ed25519.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { x25519Modules } from "../../support/crypto-module.ts";
import vectors from "../../vectors/x25519.json" with { type: "json" };

const ITERATIONS_MAX = Number(process.env.WASMGUARD_X25519_ITERATIONS ?? 1000);
const PRIME = 2n ** 255n - 19n;
const ZERO = new Uint8Array(32);

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** noble's outcome; undefined where it refuses the point. */
function nobleResult(scalar: Uint8Array, point: Uint8Array): string | undefined {
  try {
    return hex(noble.scalarMult(scalar, point));
  } catch {
    return undefined;
  }
}

/** OpenSSL's outcome; undefined where it refuses the point. */
function opensslResult(scalar: Uint8Array, point: Uint8Array): string | undefined {
  const prefix = { private: "302e020100300506032b656e04220420", public: "302a300506032b656e032100" };
  const privateKey = createPrivateKey({
    key: Buffer.from(prefix.private + hex(scalar), "hex"),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey({
    key: Buffer.from(prefix.public + hex(point), "hex"),
    format: "der",
    type: "spki",
  });
  try {
    return hex(diffieHellman({ privateKey, publicKey }));
  } catch {
    return undefined;
  }
}

describe.each(x25519Modules)("x25519, $name build", (module) => {
  beforeEach(() => module.reset());
  afterEach(() => expect(module.scratchIsWiped()).toBe(true));

  /** The result; undefined when it is all zero and says so. Checks that only the 32 bytes of the result change. */
  function multiply(scalar: Uint8Array, point: Uint8Array, offset = 0): string | undefined {
    module.reset();
    const scalarAt = module.put(scalar, offset);
    const pointAt = module.put(point, (offset * 7) % 16);
    const out = module.place(32, (offset * 3) % 16);
    const shared = module.exports.x25519(out, scalarAt, pointAt);
    expect(module.guarded(out, 32) && module.guarded(scalarAt, 32) && module.guarded(pointAt, 32)).toBe(true);
    expect(hex(module.read(scalarAt, 32)) + hex(module.read(pointAt, 32))).toBe(hex(scalar) + hex(point));
    const result = module.read(out, 32);
    expect(Boolean(shared)).toBe(hex(result) !== hex(ZERO));
    return shared ? hex(result) : undefined;
  }

  function publicKey(scalar: Uint8Array): string {
    module.reset();
    const scalarAt = module.put(scalar, 5);
    const out = module.place(32, 3);
    module.exports.x25519Base(out, scalarAt);
    expect(module.guarded(out, 32)).toBe(true);
    return hex(module.read(out, 32));
  }

  test.each(vectors.scalarMult)("RFC 7748 §5.2: scalar $scalar", ({ scalar, u, result }) => {
    expect(multiply(bytes(scalar), bytes(u))).toBe(result);
  });

  test.for(vectors.iterated)("RFC 7748 §5.2: iterated $times times", { timeout: 600_000 }, ({ times, result }, ctx) => {
    if (times > ITERATIONS_MAX) ctx.skip(`takes a minute: set WASMGUARD_X25519_ITERATIONS=${times}`);
    module.reset();
    const k = module.put(littleEndian(9n));
    const u = module.put(littleEndian(9n));
    const next = module.place(32);
    for (let i = 0; i < times; i++) {
      module.exports.x25519(next, k, u);
      module.memory.copyWithin(u, k, k + 32);
      module.memory.copyWithin(k, next, next + 32);
    }
    expect(hex(module.read(k, 32))).toBe(result);
  });

  test("RFC 7748 §6.1: Alice and Bob agree", () => {
    const { alicePrivate, alicePublic, bobPrivate, bobPublic, shared } = vectors.diffieHellman;
    expect(publicKey(bytes(alicePrivate))).toBe(alicePublic);
    expect(publicKey(bytes(bobPrivate))).toBe(bobPublic);
    expect(multiply(bytes(alicePrivate), bytes(bobPublic))).toBe(shared);
    expect(multiply(bytes(bobPrivate), bytes(alicePublic))).toBe(shared);
  });

  test("agrees with noble and OpenSSL on random scalars and points, at every alignment", () => {
    for (let i = 0; i < 500; i++) {
      const scalar = randomBytes(32);
      const point = randomBytes(32);
      const result = multiply(scalar, point, i % 16);
      expect(result).toBe(opensslResult(scalar, point));
      if (i < 100) expect(result).toBe(nobleResult(scalar, point));
    }
  });

  test("makes the public keys that noble makes", () => {
    for (let i = 0; i < 100; i++) {
      const scalar = randomBytes(32);
      expect(publicKey(scalar)).toBe(hex(noble.scalarMultBase(scalar)));
    }
  });

  test("makes the public keys of extreme scalars", () => {
    const extremes = [0n, 1n, 8n, 2n ** 254n, 2n ** 255n - 1n, 2n ** 256n - 1n, BigInt(`0x${"5a".repeat(32)}`)];
    const orders = [-9n, -1n, 0n, 1n, 8n].map((d) => 2n ** 252n + 27742317777372353535851937790883648493n + d);
    const nibbles = Array.from({ length: 16 }, (_, i) => BigInt(`0x${i.toString(16).repeat(64)}`));
    for (const scalar of [...extremes, ...orders, ...orders.map((x) => 8n * x), ...nibbles].map(littleEndian)) {
      expect(publicKey(scalar)).toBe(hex(noble.scalarMultBase(scalar)));
    }
  });

  test.each(vectors.smallOrder)("refuses the small-order point %s, as noble and OpenSSL do", (point) => {
    const scalar = randomBytes(32);
    expect(multiply(scalar, bytes(point))).toBeUndefined();
    expect(nobleResult(scalar, bytes(point))).toBeUndefined();
    expect(opensslResult(scalar, bytes(point))).toBeUndefined();
  });

  test("takes every non-canonical encoding modulo p", () => {
    for (let value = PRIME; value < 2n ** 255n; value++) {
      const scalar = randomBytes(32);
      const canonical = multiply(scalar, littleEndian(value - PRIME));
      expect(multiply(scalar, littleEndian(value))).toBe(canonical);
      expect(multiply(scalar, littleEndian(value + 2n ** 255n))).toBe(canonical);
      expect(opensslResult(scalar, littleEndian(value))).toBe(canonical);
      expect(nobleResult(scalar, littleEndian(value))).toBe(canonical);
    }
  });

  test("ignores the top bit of the point and the clamped bits of the scalar", () => {
    const scalar = randomBytes(32);
    const point = randomBytes(32);
    const result = multiply(scalar, point);
    point[31]! ^= 0x80;
    expect(multiply(scalar, point)).toBe(result);
    for (const [byte, bit] of [
      [0, 1],
      [0, 2],
      [0, 4],
      [31, 0x40],
      [31, 0x80],
    ] as const) {
      const other = scalar.slice();
      other[byte]! ^= bit;
      expect(multiply(other, point)).toBe(result);
    }
  });

  test("takes limbs that are all ones or all zeros", () => {
    for (let i = 0; i < 48; i++) {
      const low = 2n ** BigInt(Math.ceil(21.25 * (i % 12)));
      const point = littleEndian([low, low - 1n, 2n ** 255n - low, PRIME - low][i % 4]!);
      const scalar = randomBytes(32);
      expect(multiply(scalar, point)).toBe(opensslResult(scalar, point));
    }
  });

  test("the result may take the place of the scalar or of the point", () => {
    const scalar = randomBytes(32);
    const point = randomBytes(32);
    const expected = multiply(scalar, point);
    const scalarAt = module.put(scalar);
    const pointAt = module.put(point);
    module.exports.x25519(pointAt, scalarAt, pointAt);
    expect(hex(module.read(pointAt, 32))).toBe(expected);
    module.memory.set(point, pointAt);
    module.exports.x25519(scalarAt, scalarAt, pointAt);
    expect(hex(module.read(scalarAt, 32))).toBe(expected);
    module.memory.set(scalar, scalarAt);
    module.exports.x25519Base(scalarAt, scalarAt);
    expect(hex(module.read(scalarAt, 32))).toBe(hex(noble.scalarMultBase(scalar)));
  });
});
