// Two X25519 with one scalar, side by side, in both builds: noble's results, and zero for points of small order alone.
import { randomBytes } from "node:crypto";
import { x25519 as noble } from "@noble/curves/ed25519.js";
import { beforeAll, describe, expect, test } from "vitest";
import vectors from "../../../vectors/x25519.json" with { type: "json" };
import { BUILDS, compile } from "../compile.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  scratch(): number;
  area(): number;
  x25519Both(out: number, scalar: number, one: number, other: number): number;
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
  function multiply(scalar: Uint8Array, one: Uint8Array, other: Uint8Array): (string | undefined)[] {
    const [scalarAt, oneAt, otherAt, out] = [1, 65, 131, 201].map((offset) => module.area() + offset) as [
      number,
      number,
      number,
      number,
    ];
    memory.set(scalar, scalarAt);
    memory.set(one, oneAt);
    memory.set(other, otherAt);
    const shared = module.x25519Both(out, scalarAt, oneAt, otherAt);
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
      const [scalar, one, other] = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
      const expected = [one, other].map((point) => hex(noble.scalarMult(scalar, point)));
      expect(multiply(scalar, one, other)).toEqual(expected);
      expect(multiply(scalar, one, one)).toEqual([expected[0], expected[0]]);
    }
  });

  test("the vectors of RFC 7748", () => {
    for (const { scalar, u, result } of vectors.scalarMult) {
      const [key, point] = [scalar, u].map((text) => Uint8Array.from(Buffer.from(text, "hex"))) as [
        Uint8Array,
        Uint8Array,
      ];
      expect(multiply(key, point, point)).toEqual([result, result]);
    }
  });

  test.each(vectors.smallOrder)(
    "the small-order point %s is refused, and harms the other's result in nothing",
    (point) => {
      const small = Uint8Array.from(Buffer.from(point, "hex"));
      for (let i = 0; i < 10; i++) {
        const [scalar, good] = [randomBytes(32), randomBytes(32)] as const;
        const expected = hex(noble.scalarMult(scalar, good));
        expect(multiply(scalar, small, good)).toEqual([undefined, expected]);
        expect(multiply(scalar, good, small)).toEqual([expected, undefined]);
        expect(multiply(scalar, small, small)).toEqual([undefined, undefined]);
      }
    },
  );
});
