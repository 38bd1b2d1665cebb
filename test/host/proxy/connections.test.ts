import { PassThrough } from "node:stream";
import { afterEach, expect, it, vi } from "vitest";
import { Connections } from "../../../host/proxy/connections.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("a connection is idle for as long as the process has run meanwhile, not for the night that its machine slept", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const connections = new Connections({ most: 10, idleMs: 60_000 });
  const [quiet, busy] = [new PassThrough(), new PassThrough()];
  connections.add(quiet);
  const connection = connections.add(busy)!;
  vi.advanceTimersByTime(30_000);
  connection.active();
  // The clock has gone on, and no timer has.
  const now = performance.now() + 8 * 3_600_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.advanceTimersByTime(29_000);
  expect([quiet.destroyed, busy.destroyed]).toEqual([false, false]);
  vi.advanceTimersByTime(7_000);
  expect([quiet.destroyed, busy.destroyed]).toEqual([true, false]);
  vi.advanceTimersByTime(30_000);
  expect(busy.destroyed).toBe(true);
  connections.close();
});
