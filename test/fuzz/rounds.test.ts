/** What somebody who fuzzes relies on: a fault is found, made small, and found again from what is printed. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { mutated } from "./mutate.ts";
import { fuzz } from "./rounds.ts";
import type { Target } from "./target.ts";

function target(fails: (bytes: Uint8Array) => boolean): Target {
  return {
    name: "test",
    about: "",
    open: async () =>
      fc.property(mutated([new Uint8Array(20)]), (bytes) => {
        if (fails(bytes)) throw new Error("a fault");
      }),
  };
}

it("a fault is told with a small input, whose seed and path lead to it again", async () => {
  const faulty = target((bytes) => bytes[3]! > 4);
  const { failure } = await fuzz(faulty, { seed: 5, milliseconds: 60_000 });
  const bytes = JSON.parse(/\[\d.*?\]/.exec(failure!.input)![0]) as number[];
  expect(bytes.filter((byte) => byte !== 0)).toHaveLength(1);
  expect(bytes[3]).toBeGreaterThan(4);
  const again = await fuzz(faulty, { seed: failure!.seed, milliseconds: 60_000, path: failure!.path });
  expect(again.failure!.input).toBe(failure!.input);
});

it("the same seed gives the same inputs", async () => {
  const seen: string[][] = [[], []];
  for (const inputs of seen) {
    const watching = target((bytes) => inputs.push(Buffer.from(bytes).toString("hex")) < 0);
    await fuzz(watching, { seed: 9, milliseconds: 1 });
  }
  const length = Math.min(seen[0]!.length, seen[1]!.length);
  expect(seen[0]!.slice(0, length)).toEqual(seen[1]!.slice(0, length));
});
