// Pieces with secrets in them become one, and nothing of them stays behind.
import { expect, it } from "vitest";
import { joinAndWipe } from "../../../host/keys/join-and-wipe.ts";

it("joins pieces in their order, and leaves them empty of what they held", () => {
  const pieces = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)];
  expect(joinAndWipe(pieces)).toEqual(Uint8Array.of(1, 2, 3));
  expect(pieces).toEqual([Uint8Array.of(0, 0), new Uint8Array(0), Uint8Array.of(0)]);
});

it("of a part of a larger buffer, wipes that part alone", () => {
  const buffer = Uint8Array.of(1, 2, 3, 4);
  expect(joinAndWipe([buffer.subarray(1, 3)])).toEqual(Uint8Array.of(2, 3));
  expect(buffer).toEqual(Uint8Array.of(1, 0, 0, 4));
});
