import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Quiet } from "../../../host/proxy/quiet.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

function watched() {
  const told: string[] = [];
  const quiet = new Quiet({ pause: () => told.push("pause"), rest: () => told.push("rest") });
  return { quiet, told };
}

it("tells of a pause and of a rest after the start and after a use, and runs no timer after that", () => {
  const { quiet, told } = watched();
  vi.advanceTimersByTime(250);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(250);
  expect(told).toEqual(["pause"]);
  vi.advanceTimersByTime(20_000);
  expect(told).toEqual(["pause", "rest"]);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  quiet.used();
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(20_000);
  expect(told).toEqual(["pause", "rest", "pause", "rest"]);
  expect(vi.getTimerCount()).toBe(0);
});

it("tells nothing while it is used, and not of every pause", () => {
  const { quiet, told } = watched();
  for (let ms = 0; ms < 5_000; ms += 200) {
    quiet.used();
    vi.advanceTimersByTime(200);
  }
  expect(told).toEqual([]);
  // Two minutes of somebody who comes once a second.
  for (let second = 0; second < 120; second++) {
    quiet.used();
    vi.advanceTimersByTime(1_000);
  }
  expect(told).not.toContain("rest");
  expect(told.length).toBeGreaterThan(8);
  expect(told.length).toBeLessThan(15);
  quiet.close();
});
