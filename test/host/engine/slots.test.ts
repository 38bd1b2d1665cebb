import { expect, it } from "vitest";
import { Slots } from "../../../host/engine/slots.ts";

it("the lowest free slot is next, whatever was freed last", () => {
  const slots = new Slots(4);
  for (const expected of [0, 1, 2]) {
    expect(slots.next).toBe(expected);
    slots.take(expected);
  }
  slots.free(0);
  slots.free(2);
  slots.free(1);
  expect(slots.next).toBe(0);
  slots.take(0);
  expect(slots.next).toBe(1);
});

it("there is no next slot when all are taken", () => {
  const slots = new Slots(2);
  slots.take(0);
  slots.take(1);
  expect(slots.next).toBe(-1);
  slots.free(1);
  expect(slots.next).toBe(1);
});
