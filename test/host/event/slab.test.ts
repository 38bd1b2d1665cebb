/** Arrays that share buffers: they keep what is written to them, whatever becomes of others. */
import { expect, it } from "vitest";
import { takeBytes } from "../../../host/event/slab.ts";

const LENGTHS = [1420, 20, 1, 0, 4096, 4097, 65_535, 1420];

it("arrays overlap no others, and are zero at first", () => {
  const taken = Array.from({ length: 200 }, (_, i) => takeBytes(LENGTHS[i % LENGTHS.length]!));
  for (const [i, bytes] of taken.entries()) {
    expect(bytes.length).toBe(LENGTHS[i % LENGTHS.length]);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill(i);
  }
  for (const [i, bytes] of taken.entries()) expect(bytes.every((byte) => byte === i % 256)).toBe(true);
});

it("any typed array may lie where they begin", () => {
  for (let i = 0; i < 50; i++) expect(takeBytes(i).byteOffset % 8).toBe(0);
});

it("goes on when somebody transfers one", () => {
  const given = takeBytes(100);
  structuredClone(given, { transfer: [given.buffer] });
  expect(given.length).toBe(0);
  expect(takeBytes(100).length).toBe(100);
});
