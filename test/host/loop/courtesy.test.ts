import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Courtesy } from "../../../host/loop/courtesy.ts";

let clock = 0;
/** How long the others keep the core. */
let keepMs = 0;
let yields = 0;
const yieldCore = (): void => {
  yields += 1;
  clock += keepMs;
};

beforeEach(() => {
  [clock, keepMs, yields] = [1000, 0.01, 0];
  vi.spyOn(performance, "now").mockImplementation(() => clock);
});
afterEach(() => {
  vi.restoreAllMocks();
});

test("yields as long as it costs little", () => {
  const courtesy = new Courtesy(yieldCore);
  for (let i = 0; i < 100; i++) courtesy.yield(clock);
  expect(yields).toBe(100);
  expect(courtesy.pays(clock)).toBe(true);
  expect(courtesy.yield(clock)).toBe(clock);
});

test("keeps the core for a while after others kept it for long", () => {
  const courtesy = new Courtesy(yieldCore);
  keepMs = 4;
  expect(courtesy.yield(clock)).toBe(1004);
  expect(courtesy.pays(clock)).toBe(false);
  expect(courtesy.yield(clock)).toBe(1004);
  expect(yields).toBe(1);
  clock += 11;
  expect(courtesy.pays(clock)).toBe(true);
});

test("a core that stays busy is tried ever more rarely, one that is free again as before", () => {
  const courtesy = new Courtesy(yieldCore);
  keepMs = 4;
  for (const end = clock + 60_000; clock < end; clock += 1) courtesy.yield(clock);
  // Of these at most one part in a hundred is the others'.
  expect(yields * keepMs).toBeLessThan(600);
  keepMs = 0.01;
  clock += 500;
  yields = 0;
  for (let i = 0; i < 10; i++) courtesy.yield(clock);
  expect(yields).toBe(10);
  keepMs = 4;
  courtesy.yield(clock);
  clock += 11;
  expect(courtesy.pays(clock)).toBe(true);
});
