import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BusyPoll } from "../../../host/loop/busy-poll.ts";
import { Courtesy } from "../../../host/loop/courtesy.ts";

/** A stand-in that counts how often the core was given up. */
function counting(): { yieldCore: () => void; yields: () => number } {
  let yields = 0;
  return { yieldCore: () => void yields++, yields: () => yields };
}

beforeEach(() => {
  let clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    clock += 0.005;
    return clock;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

test("looks for as long as asked after a packet, and gives up the core between", () => {
  const { yieldCore, yields } = counting();
  const busy = new BusyPoll(new Courtesy(yieldCore), 2000);
  const start = performance.now();
  expect(busy.isOn(start)).toBe(false);
  busy.extend(start);
  expect(busy.isOn(start)).toBe(true);
  expect(busy.look(start, Infinity, () => 0)).toBe(0);
  expect(performance.now() - start).toBeGreaterThanOrEqual(2);
  expect(yields()).toBeGreaterThan(0);
});

test("ends with what it finds", () => {
  const busy = new BusyPoll(new Courtesy(counting().yieldCore), 10_000);
  const start = performance.now();
  busy.extend(start);
  let looks = 0;
  expect(busy.look(start, Infinity, () => (++looks === 3 ? 2 : 0))).toBe(2);
  expect(looks).toBe(3);
});

test("never looks beyond the deadline, or without time to", () => {
  const busy = new BusyPoll(new Courtesy(counting().yieldCore), 10_000);
  const unasked = new BusyPoll(new Courtesy(counting().yieldCore), 0);
  const start = performance.now();
  for (const poll of [busy, unasked]) poll.extend(start);
  const look = () => {
    throw new Error("looked");
  };
  expect(busy.look(start, start, look)).toBe(0);
  expect(busy.look(start + 10, Infinity, look)).toBe(0);
  expect(unasked.look(start, Infinity, look)).toBe(0);
});
