/** Vectors of the SipHash paper's reference implementation: key 00 01 … 0f, message 00 01 …, output as a little-endian number. */
import { expect, test } from "vitest";
import { SipHash } from "../../../host/net/siphash.ts";

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

test.each([
  [0, 0x726fdb47, 0xdd0e0e31],
  [4, 0xcf2794e0, 0x277187b7],
  [8, 0x93f5f579, 0x9a932462],
])("SipHash-2-4 of %i bytes is that of the reference", (length, high, low) => {
  const hash = new SipHash(KEY);
  const message = new Int32Array(Uint8Array.from({ length }, (_, i) => i).buffer);
  expect(hash.hash(message, length / 4) >>> 0).toBe(low);
  expect(hash.high >>> 0).toBe(high);
});
