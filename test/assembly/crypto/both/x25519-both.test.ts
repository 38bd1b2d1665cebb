// Two X25519 side by side, in both builds: noble's results, and zero for points of small order alone.
import { randomBytes } from "node:crypto";
import { x25519 as noble } from "@noble/curves/ed25519.js";
import { beforeAll, describe, expect, test } from "vitest";
import vectors from "../../../vectors/x25519.json" with { type: "json" };
import { BUILDS, compile } from "../compile.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  scratch(): number;
  area(): number;
  x25519Both(out: number, scalar: number, one: number, otherScalar: number, other: number): number;
  x25519Answer(publicKey: number, out: number, scalar: number, one: number, other: number, comb: number): number;
}

const SECRET_SCRATCH_BYTES = 40_960;

describe.each(Object.keys(BUILDS) as (keyof typeof BUILDS)[])("two X25519 at once, %s build", (build) => {
  let module: Exports;
  let memory: Uint8Array;
  beforeAll(async () => {
    module = await compile<Exports>("both/entry.ts", build);
    memory = new Uint8Array(module.memory.buffer);
  });

  /** Both results; undefined for one that is refused. Everything lies at odd addresses. */
  function multiply(scalar: Uint8Array, one: Uint8Array, otherScalar: Uint8Array, other: Uint8Array) {
    const { out, inputs } = place(scalar, one, other, otherScalar);
    const [scalarAt, oneAt, otherAt, otherScalarAt] = inputs as [number, number, number, number];
    return results(out, module.x25519Both(out, scalarAt, oneAt, otherScalarAt, otherAt));
  }

  /** The public key of the scalar, and both results. */
  function answer(scalar: Uint8Array, one: Uint8Array, other: Uint8Array): (string | undefined)[] {
    const { out, publicKey, inputs } = place(scalar, one, other);
    const shared = module.x25519Answer(publicKey, out, ...(inputs as [number, number, number]), 0);
    return [hex(memory.slice(publicKey, publicKey + 32)), ...results(out, shared)];
  }

  function place(...bytes: Uint8Array[]) {
    const inputs = bytes.map((each, i) => {
      const at = module.area() + 1 + 65 * i;
      memory.set(each, at);
      return at;
    });
    return { inputs, out: module.area() + 301, publicKey: module.area() + 401 };
  }

  function results(out: number, shared: number): (string | undefined)[] {
    const scratch = memory.subarray(module.scratch(), module.scratch() + SECRET_SCRATCH_BYTES);
    expect(scratch.every((byte) => byte === 0)).toBe(true);
    return [0, 1].map((lane) => {
      const result = hex(memory.slice(out + 32 * lane, out + 32 * lane + 32));
      if ((shared >> lane) & 1) return result;
      expect(result).toBe("00".repeat(32));
      return undefined;
    });
  }

  const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

  test("agrees with noble", () => {
    for (let i = 0; i < 100; i++) {
      const [scalar, otherScalar] = [randomBytes(32), randomBytes(32)] as const;
      const [one, other] = [randomBytes(32), randomBytes(32)] as const;
      const expected = [one, other].map((point) => hex(noble.scalarMult(scalar, point)));
      expect(multiply(scalar, one, scalar, other)).toEqual(expected);
      expect(multiply(scalar, one, otherScalar, one)).toEqual([expected[0], hex(noble.scalarMult(otherScalar, one))]);
      expect(answer(scalar, one, other)).toEqual([hex(noble.scalarMultBase(scalar)), ...expected]);
    }
  });

  test("of extreme scalars", () => {
    const point = randomBytes(32);
    for (const scalar of [0, 1, 8, 0x77, 0x88, 0xff].map((byte) => new Uint8Array(32).fill(byte))) {
      const expected = hex(noble.scalarMult(scalar, point));
      expect(answer(scalar, point, point)).toEqual([hex(noble.scalarMultBase(scalar)), expected, expected]);
    }
  });

  test("the vectors of RFC 7748", () => {
    for (const { scalar, u, result } of vectors.scalarMult) {
      const [key, point] = [scalar, u].map((text) => Uint8Array.from(Buffer.from(text, "hex"))) as [
        Uint8Array,
        Uint8Array,
      ];
      expect(multiply(key, point, key, point)).toEqual([result, result]);
    }
  });

  test.each(vectors.smallOrder)(
    "the small-order point %s is refused, and harms the other's result in nothing",
    (point) => {
      const small = Uint8Array.from(Buffer.from(point, "hex"));
      for (let i = 0; i < 10; i++) {
        const [scalar, good] = [randomBytes(32), randomBytes(32)] as const;
        const expected = hex(noble.scalarMult(scalar, good));
        expect(multiply(randomBytes(32), small, scalar, good)).toEqual([undefined, expected]);
        expect(multiply(scalar, good, randomBytes(32), small)).toEqual([expected, undefined]);
        expect(multiply(scalar, small, randomBytes(32), small)).toEqual([undefined, undefined]);
        const publicKey = hex(noble.scalarMultBase(scalar));
        expect(answer(scalar, small, good)).toEqual([publicKey, undefined, expected]);
        expect(answer(scalar, good, small)).toEqual([publicKey, expected, undefined]);
        expect(answer(scalar, small, small)).toEqual([publicKey, undefined, undefined]);
      }
    },
  );
});
