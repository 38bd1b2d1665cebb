/** CUBIC by the formulas of RFC 9438, in segments of 1000 bytes. */
import { describe, expect, test } from "vitest";
import { Cubic } from "../../../../host/net/tcp/cubic.ts";

const MSS = 1000;

/** A flow that is at `segments` and loses one; the recovery is over at `now`. */
function lossAt(segments: number): Cubic {
  const cubic = new Cubic(MSS);
  cubic.limit(segments * MSS);
  cubic.limit(cubic.lost(segments * MSS));
  return cubic;
}

/** The window is acknowledged once in each round trip. @returns segments at the end */
function pass(cubic: Cubic, from: number, milliseconds: number, rtt: number): number {
  for (let now = from; now < from + milliseconds; now += rtt) {
    cubic.acknowledged(cubic.window, rtt, rtt, 1, 2, now);
  }
  return cubic.window / MSS;
}

test("it begins with ten segments, or fewer that are large (RFC 6928)", () => {
  expect(new Cubic(1000).window).toBe(10_000);
  expect(new Cubic(1460).window).toBe(14_600);
  expect(new Cubic(2000).window).toBe(14_600);
  expect(new Cubic(8960).window).toBe(17_920);
});

test("a loss takes three tenths, and leaves two segments at least (§4.6)", () => {
  expect(lossAt(100).window).toBe(70_000);
  expect(lossAt(100).threshold).toBe(70_000);
  expect(lossAt(2).threshold).toBe(2000);
});

describe("after a loss at 100 segments, with a round trip of 100 ms", () => {
  // K = ∛(100 · 0.3 / 0.4) = 4.22 s (§4.2).
  test("the window is back after K, by a curve that flattens", () => {
    expect(pass(lossAt(100), 0, 2100, 100)).toBeCloseTo(0.4 * (2.1 - 4.217) ** 3 + 100, 0);
    const back = pass(lossAt(100), 0, 4200, 100);
    expect(back).toBeGreaterThan(98);
    expect(back).toBeLessThan(101);
  });

  test("and rises ever faster beyond", () => {
    const cubic = lossAt(100);
    const first = pass(cubic, 0, 5200, 100);
    const second = pass(cubic, 5200, 1000, 100);
    const third = pass(cubic, 6200, 1000, 100);
    expect(second - first).toBeGreaterThan(1);
    expect(third - second).toBeGreaterThan(2 * (second - first));
  });

  test("never by more than half in a round trip", () => {
    const cubic = lossAt(100);
    pass(cubic, 0, 100, 100);
    const before = cubic.window;
    // As if nothing had been acknowledged for a minute.
    cubic.acknowledged(before, 100, 100, 1, 2, 60_000);
    expect(cubic.window).toBeLessThanOrEqual(1.5 * before);
  });
});

test("on short paths it grows as Reno would (§4.3)", () => {
  // α = 3 · 0.3 / 1.7: half a segment in each round trip, while the old window is not reached.
  const grown = pass(lossAt(10), 0, 50, 10);
  expect(grown).toBeGreaterThan(7 + 4 * 0.529);
  expect(grown).toBeLessThan(7 + 6 * 0.529);
});

test("a flow that loses before it is back leaves room for others (§4.7)", () => {
  const cubic = lossAt(100);
  cubic.limit(80 * MSS);
  cubic.limit(cubic.lost(80 * MSS));
  // The plateau is at 80 · 0.85 = 68 segments now, reached after ∛(12 / 0.4) = 3.1 s.
  const plateau = pass(cubic, 0, 3000, 300);
  expect(plateau).toBeGreaterThan(66);
  expect(plateau).toBeLessThan(70);
});

test("a timeout leaves one segment, and slow start up to seven tenths (§4.8)", () => {
  const cubic = new Cubic(MSS);
  cubic.limit(100 * MSS);
  cubic.timedOut(100 * MSS);
  expect([cubic.window, cubic.threshold]).toEqual([1000, 70_000]);
  expect(pass(cubic, 0, 300, 100)).toBe(8);
  expect(pass(cubic, 300, 400, 100)).toBeGreaterThanOrEqual(70);
});

test("what was no loss is taken back (§4.9)", () => {
  const cubic = new Cubic(MSS);
  cubic.limit(100 * MSS);
  cubic.limit(cubic.lost(100 * MSS));
  cubic.undo();
  expect([cubic.window, cubic.threshold]).toEqual([100_000, Number.POSITIVE_INFINITY]);
});

test("silence takes a grown window back to the initial one", () => {
  const cubic = new Cubic(MSS);
  cubic.limit(100 * MSS);
  cubic.idle();
  expect(cubic.window).toBe(10_000);
});

test("smaller segments are as many as before", () => {
  const cubic = new Cubic(MSS);
  cubic.limit(100 * MSS);
  cubic.segmentSize(500);
  expect(cubic.window).toBe(50_000);
});
