// The kind of memory a core has: private and of final size for who embeds it, shared for who has threads.
import { expect, it } from "vitest";
import { DEFAULT_LIMITS, loadCore } from "../../../host/core/load.ts";

it("is private by default, and cannot grow", async () => {
  const { memory, exports } = await loadCore();
  expect(memory.buffer).toBeInstanceOf(ArrayBuffer);
  expect(memory.buffer.byteLength - exports.memoryEnd.value).toBeLessThan(65_536);
  expect(() => memory.grow(1)).toThrow(RangeError);
});

it("is shared when asked for, and has room for all threads", async () => {
  const one = await loadCore();
  const many = await loadCore(DEFAULT_LIMITS.private, "shared");
  expect(many.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(many.exports.memoryEnd.value - one.exports.memoryEnd.value).toBeGreaterThan(15 * 2 ** 21);
  expect(() => many.memory.grow(1)).toThrow(RangeError);
});

it("takes little enough for many devices in one process", async () => {
  const cores = [];
  while (cores.length < 250) cores.push(await loadCore());
  expect(cores[0]!.memory.buffer.byteLength).toBeLessThan(32 * 2 ** 20);
  cores[249]!.bytes.fill(1, cores[249]!.at.tunBuffer, cores[249]!.at.ioControl);
  expect(cores[0]!.bytes[cores[0]!.at.tunBuffer]).toBe(0);
});
