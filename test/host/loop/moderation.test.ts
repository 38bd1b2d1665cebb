import { expect, test } from "vitest";
import { Moderation, type Side } from "../../../host/loop/moderation.ts";

const LIMIT = 64;
let now = 1000;

/** Turns that take so many packets each, `gap` ms after one another. @returns what was to be waited before each of them */
function turns(moderation: Moderation, side: Side, count: number, packets = 1, gap = 0.01): number[] {
  return Array.from({ length: count }, () => {
    const pause = moderation.pause();
    now += gap + pause;
    moderation.came(side, now, packets, LIMIT);
    return pause;
  });
}

function streaming(side: Side = "inside"): Moderation {
  const moderation = new Moderation();
  turns(moderation, side, 65);
  turns(moderation, side, 10, 8);
  expect(moderation.pause()).toBeGreaterThan(0);
  turns(moderation, side, 1, 8);
  return moderation;
}

test.each<Side>(["inside", "outside"])(
  "a stream that comes from the %s only is left alone for a moment before each turn",
  (side) => {
    const moderation = new Moderation();
    expect(turns(moderation, side, 65)).toEqual(Array(65).fill(0));
    const pauses = turns(moderation, side, 1000, 5, 0.09);
    expect(Math.min(...pauses)).toBeGreaterThan(0);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(0.1);
  },
);

test("packets that are answered are not, however quick", () => {
  const moderation = new Moderation();
  for (let i = 0; i < 500; i++) {
    expect(turns(moderation, "outside", 1)).toEqual([0]);
    expect(turns(moderation, "inside", 1)).toEqual([0]);
  }
});

test("nor are those with an answer now and then, as TCP has them", () => {
  const moderation = new Moderation();
  for (let i = 0; i < 100; i++) {
    expect(turns(moderation, "inside", 20)).toEqual(Array(20).fill(0));
    expect(turns(moderation, "outside", 1)).toEqual([0]);
  }
});

test("nor are packets that come slowly", () => {
  expect(turns(new Moderation(), "inside", 300, 1, 0.2)).toEqual(Array(300).fill(0));
});

test.each([
  [3, 50],
  [3, 0.2],
  [LIMIT - 1, 4],
])("nor are bursts of %s every %s ms", (packets, gap) => {
  expect(turns(new Moderation(), "inside", 300, packets, gap)).toEqual(Array(300).fill(0));
});

test("packets that come in numbers are a stream as soon as single ones: their turns take longer", () => {
  const moderation = new Moderation();
  turns(moderation, "outside", 65, 20, 0.3);
  expect(moderation.pause()).toBeGreaterThan(0);
});

test("an answer ends it at once, and so does a pause in vain", () => {
  const answered = streaming();
  turns(answered, "outside", 1);
  expect(answered.pause()).toBe(0);
  const slow = streaming();
  expect(slow.pause()).toBeGreaterThan(0);
  turns(slow, "inside", 1, 1, 0.5);
  expect(slow.pause()).toBe(0);
});

test("nearly as many as a turn takes are all there were", () => {
  const moderation = streaming();
  turns(moderation, "inside", 1, LIMIT - 1);
  expect(moderation.pause()).toBeGreaterThan(0);
});

test("no time is lost while more waits than a turn takes, and the stream goes on after it", () => {
  const moderation = streaming();
  turns(moderation, "inside", 1, LIMIT);
  expect(turns(moderation, "inside", 50, LIMIT, 0.3)).toEqual(Array(50).fill(0));
  turns(moderation, "inside", 1, 5);
  expect(moderation.pause()).toBeGreaterThan(0);
});
