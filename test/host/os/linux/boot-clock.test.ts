// The clock that counts sleep, against what the kernel says of itself.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openLibc } from "../../../../host/ffi/libc.ts";
import { bootClock } from "../../../../host/os/linux/boot-clock.ts";

test("tells the milliseconds since the machine was started, and sees no wall clock", async () => {
  const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  const clock = bootClock(libc)!;
  const uptime = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  // Read between two others: a busy machine may stop us in between. /proc/uptime leaves out what is less than 10 ms.
  const before = uptime();
  const told = clock();
  expect(told).toBeGreaterThanOrEqual(before);
  expect(told).toBeLessThan(uptime() + 10);
});

test("is undefined where the system has no such clock", async () => {
  const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  libc.clockGettime = () => -22;
  expect(bootClock(libc)).toBeUndefined();
});
