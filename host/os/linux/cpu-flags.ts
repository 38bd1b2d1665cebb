/** What the processor can, in the kernel's words (/proc/cpuinfo). */
import { closeSync, openSync, readSync } from "node:fs";

/** The first processor's entry fits, and no other is asked for: each costs time. */
const ENTRY_BYTES = 4096;

/** @returns e.g. "avx2"; none where the kernel has no such line, as on other machines than x86, or the file is hidden, as in some containers */
export function cpuFlags(path = "/proc/cpuinfo"): ReadonlySet<string> {
  const entry = Buffer.alloc(ENTRY_BYTES);
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return new Set();
  }
  try {
    const length = readSync(fd, entry, 0, ENTRY_BYTES, 0);
    return flagsIn(entry.toString("latin1", 0, length));
  } finally {
    closeSync(fd);
  }
}

function flagsIn(cpuinfo: string): ReadonlySet<string> {
  return new Set(/^flags\s*: (.*)$/m.exec(cpuinfo)?.[1]?.split(" "));
}
