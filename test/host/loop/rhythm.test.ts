import { expect, test } from "vitest";
import { Rhythm } from "../../../host/loop/rhythm.ts";

/** @returns when the last beat was */
function beats(rhythm: Rhythm, count: number, gap: (i: number) => number, start = 1000): number {
  let at = start;
  for (let i = 0; i < count; i++) {
    at += gap(i);
    rhythm.beat(at);
  }
  return at;
}

test.each([0.9, 1, 2.5, 3.9])("expects the next of packets that come every %d ms", (gap) => {
  const rhythm = new Rhythm();
  const last = beats(rhythm, 60, (i) => gap + (i % 2 === 0 ? 0.02 : -0.02));
  expect(rhythm.expected).toBeGreaterThan(last + gap - 0.03);
  expect(rhythm.expected).toBeLessThan(last + gap + 0.03);
});

test.each<[string, (i: number) => number]>([
  ["too quick", () => 0.5],
  ["too slow", () => 5],
  ["uneven", (i) => [0.4, 1.9, 1.1, 0.2, 1.4][i % 5]!],
  ["in pairs", (i) => (i % 2 === 0 ? 0.1 : 1.9)],
])("expects nothing of packets that come %s", (_, gap) => {
  const rhythm = new Rhythm();
  beats(rhythm, 100, gap);
  expect(rhythm.expected).toBe(Infinity);
});

test("expects the next one although a machine that others use delays some", () => {
  const rhythm = new Rhythm();
  beats(rhythm, 100, (i) => (i % 2 === 0 ? 1.07 : 0.93));
  expect(rhythm.expected).not.toBe(Infinity);
});

test("expects nothing before it has heard enough", () => {
  const rhythm = new Rhythm();
  expect(rhythm.expected).toBe(Infinity);
  beats(rhythm, 3, () => 1);
  expect(rhythm.expected).toBe(Infinity);
});

test("one packet that is lost or late does not lose the rhythm for long", () => {
  const rhythm = new Rhythm();
  const late = beats(rhythm, 60, () => 1) + 5;
  rhythm.beat(late);
  const last = beats(rhythm, 5, () => 1, late);
  expect(Math.abs(rhythm.expected - last - 1)).toBeLessThan(0.1);
});

test("after a pause, or several at once, it listens anew", () => {
  const rhythm = new Rhythm();
  const last = beats(rhythm, 60, () => 1);
  rhythm.beat(last + 20);
  expect(rhythm.expected).toBe(Infinity);
  beats(rhythm, 60, () => 2, last + 20);
  expect(rhythm.expected).toBeLessThan(Infinity);
  rhythm.lose();
  expect(rhythm.expected).toBe(Infinity);
  beats(rhythm, 20, () => 1, last + 500);
  expect(rhythm.expected).toBeLessThan(Infinity);
});

test.each([0.1, 5, 7.9])("a first gap of %d ms, which is none of the rhythm, is soon forgotten", (first) => {
  const rhythm = new Rhythm();
  const last = beats(rhythm, 20, (i) => (i === 1 ? first : 1));
  expect(Math.abs(rhythm.expected - last - 1)).toBeLessThan(0.05);
});

test("follows a change of pace", () => {
  const rhythm = new Rhythm();
  const last = beats(
    rhythm,
    100,
    () => 3,
    beats(rhythm, 60, () => 1),
  );
  expect(Math.abs(rhythm.expected - last - 3)).toBeLessThan(0.05);
});
