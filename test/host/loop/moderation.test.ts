import { expect, test } from "vitest";
import { Moderation, type Side } from "../../../host/loop/moderation.ts";

const LIMIT = 64;
let now = 1000;

/** Turns that take so many packets each, `gap` ms after one another. @returns what was to be waited before each of them */
function turns(moderation: Moderation, side: Side, count: number, packets = 1, gap = 0.01): number[] {
  return Array.from({ length: count }, () => {
    const pause = moderation.pattern(now) === "dense" ? moderation.pause("dense") : 0;
    now += gap + pause;
    moderation.came(side, now, packets, LIMIT);
    return pause;
  });
}

function streaming(side: Side = "inside"): Moderation {
  const moderation = new Moderation();
  turns(moderation, side, 65);
  turns(moderation, side, 10, 8);
  expect(moderation.pattern(now)).toBe("dense");
  turns(moderation, side, 1, 8);
  return moderation;
}

/** Bursts a millisecond apart: so many turns each, where nothing is left alone. @returns in how many turns each was taken */
function bursts(moderation: Moderation, count: number, singles: number): number[] {
  return Array.from({ length: count }, () => {
    now += 1;
    const pause = moderation.pattern(now) === "bursts" ? moderation.pause("bursts") : 0;
    now += pause;
    moderation.came("inside", now, pause > 0 ? singles : 1, LIMIT);
    if (pause === 0) turns(moderation, "inside", singles - 1, 1, 0.02);
    return pause > 0 ? 1 : singles;
  });
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
  expect(moderation.pattern(now)).toBe("dense");
});

test("an answer ends it at once; a pause in vain leaves it to bursts, and more of them to nothing", () => {
  const answered = streaming();
  turns(answered, "outside", 1);
  expect(answered.pattern(now)).toBe("single");
  expect(answered.oneWay(now)).toBeUndefined();
  const slow = streaming();
  turns(slow, "inside", 1, 1, 0.5);
  expect(slow.pattern(now)).toBe("bursts");
  turns(slow, "inside", 20, 1, 0.5);
  expect(slow.pattern(now)).toBe("single");
  expect(slow.oneWay(now)).toBe("inside");
});

test("nearly as many as a turn takes are all there were", () => {
  const moderation = streaming();
  turns(moderation, "inside", 1, LIMIT - 1);
  expect(moderation.pattern(now)).toBe("dense");
});

test("bursts are waited for, and taken in a turn each", () => {
  const moderation = new Moderation();
  const taken = bursts(moderation, 200, 4);
  expect(taken.slice(0, 30)).toEqual(Array(30).fill(4));
  expect(taken.slice(-150)).toEqual(Array(150).fill(1));
});

test("a burst that fails to come changes nothing; many end it", () => {
  const moderation = new Moderation();
  bursts(moderation, 200, 4);
  bursts(moderation, 3, 1);
  expect(moderation.pattern(now)).toBe("bursts");
  bursts(moderation, 20, 1);
  expect(moderation.pattern(now)).toBe("single");
});

test("two turns a burst are not worth it, nor are packets that come in step with a clock", () => {
  expect(bursts(new Moderation(), 300, 2)).toEqual(Array(300).fill(2));
  expect(bursts(new Moderation(), 300, 1)).toEqual(Array(300).fill(1));
});

test("an answer ends bursts, and so does a lull", () => {
  const answered = new Moderation();
  bursts(answered, 200, 4);
  turns(answered, "outside", 1);
  expect(answered.pattern(now)).toBe("single");
  const idle = new Moderation();
  bursts(idle, 200, 4);
  now += 20;
  idle.came("inside", now, 1, LIMIT);
  expect(idle.pattern(now)).toBe("single");
  expect(idle.oneWay(now)).toBeUndefined();
});

test("whether packets come one way takes a while to tell, however slow they are", () => {
  const moderation = new Moderation();
  turns(moderation, "outside", 64, 1, 5);
  expect(moderation.oneWay(now)).toBeUndefined();
  turns(moderation, "outside", 1, 1, 5);
  expect(moderation.oneWay(now)).toBe("outside");
});

test("no time is lost while more waits than a turn takes, and the stream goes on after it", () => {
  const moderation = streaming();
  turns(moderation, "inside", 1, LIMIT);
  expect(turns(moderation, "inside", 50, LIMIT, 0.3)).toEqual(Array(50).fill(0));
  turns(moderation, "inside", 1, 5);
  expect(moderation.pattern(now)).toBe("dense");
});
