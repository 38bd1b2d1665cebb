/** A clock that counts sleep, and that nobody can set: CLOCK_MONOTONIC, which on macOS goes on while the machine is asleep (clock_gettime(3)). */
import { SYSTEM } from "../../ffi/darwin/constants.ts";
import { TIMESPEC } from "../../ffi/darwin/layout.ts";
import type { DarwinLibc } from "../../ffi/darwin/libc.ts";

/** @returns milliseconds */
export function uptime(libc: DarwinLibc): number {
  const { view, at } = libc.scratch;
  libc.clockGettime(SYSTEM.CLOCK_MONOTONIC, at(0));
  const seconds = Number(view.getBigInt64(TIMESPEC.seconds, true));
  return seconds * 1000 + Number(view.getBigInt64(TIMESPEC.nanoseconds, true)) / 1_000_000;
}
