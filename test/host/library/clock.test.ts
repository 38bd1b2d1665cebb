/** The wall clock is set while devices talk, as NTP does after a start without a battery: nobody slept, so nothing happens. */
import { afterEach, expect, it, vi } from "vitest";
import { systemUptime } from "../../../host/event/uptime.ts";
import { closeAll, exchange, makePair, type Node } from "./support.ts";

let open: Node[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await closeAll(open);
  open = [];
});

it("a wall clock that is set forward and back makes no new handshake", async () => {
  const [left, right] = await makePair();
  open = [left, right];
  await exchange(left, right, "before");
  await exchange(right, left, "and back");
  const handshakes = () => open.map(({ device }) => device.statistics().peers[0]?.lastHandshake);
  const first = handshakes();
  const real = Date.now;
  for (const seconds of [3_600, -86_400, 315_360_000]) {
    vi.spyOn(Date, "now").mockImplementation(() => real() + 1000 * seconds);
    await exchange(right, left, "after");
    await exchange(left, right, "and back");
  }
  expect(handshakes()).toEqual(first);
  for (const { device } of open) expect(device.statistics().drops.expired).toBe(0n);
});

it("the system's uptime goes on as the engine's clock does", async () => {
  const uptime = systemUptime()!;
  const [before, from] = [uptime(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 100));
  // Some runtimes tell whole seconds.
  expect(Math.abs(uptime() - before - (performance.now() - from))).toBeLessThan(1_500);
});
