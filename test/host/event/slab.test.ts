/** Arrays that share buffers: they keep what is written to them, whatever becomes of others. */
import { expect, it } from "vitest";
import { Slab } from "../../../host/event/slab.ts";

const slab = new Slab();
const LENGTHS = [1420, 20, 1, 0, 4096, 4097, 65_535, 1420];

it("arrays overlap no others, and are zero at first", () => {
  const taken = Array.from({ length: 200 }, (_, i) => slab.take(LENGTHS[i % LENGTHS.length]!));
  for (const [i, bytes] of taken.entries()) {
    expect(bytes.length).toBe(LENGTHS[i % LENGTHS.length]);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill(i);
  }
  for (const [i, bytes] of taken.entries()) expect(bytes.every((byte) => byte === i % 256)).toBe(true);
});

it("any typed array may lie where they begin", () => {
  for (let i = 0; i < 50; i++) expect(slab.take(i).byteOffset % 8).toBe(0);
});

it("goes on when somebody transfers one", () => {
  const given = slab.take(100);
  structuredClone(given, { transfer: [given.buffer] });
  expect(given.length).toBe(0);
  expect(slab.take(100).length).toBe(100);
});

it("bytes of one owner lie in no buffer of another's", () => {
  expect(new Slab().take(100).buffer).not.toBe(slab.take(100).buffer);
});
