/** The clock that counts sleep: time since the machine was started, which nobody can set (CLOCK_BOOTTIME). */
import { CLOCK } from "../../ffi/constants.ts";
import { TIMESPEC } from "../../ffi/layout.ts";
import type { Libc } from "../../ffi/libc.ts";

/** @returns a function that tells milliseconds; undefined where the system has no such clock */
export function bootClock(libc: Libc): (() => number) | undefined {
  const { view, at } = libc.scratch;
  const read = (): number => {
    libc.clockGettime(CLOCK.CLOCK_BOOTTIME, at(0));
    const seconds = Number(view.getBigInt64(TIMESPEC.seconds, true));
    return seconds * 1000 + Number(view.getBigInt64(TIMESPEC.nanoseconds, true)) / 1_000_000;
  };
  return libc.clockGettime(CLOCK.CLOCK_BOOTTIME, at(0)) < 0 ? undefined : read;
}
