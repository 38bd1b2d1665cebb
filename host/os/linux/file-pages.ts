/**
 * Pages of files that this process has mapped and never written: its program and its libraries. The kernel maps them in large strokes while a program
 * starts, most of them for the start alone, and takes none back as long as memory suffices. A process at rest can let go of them: what it
 * runs after all is mapped again out of the page cache, a microsecond for each stroke.
 */
import { readFileSync } from "node:fs";
import { PROCESS } from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";

export interface Mapping {
  /** Machine addresses. */
  readonly start: number;
  readonly end: number;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ \S+ +\/.*$/;
const ANY_HEAD = /^[0-9a-f]+-[0-9a-f]+ /;
const ANONYMOUS = /^Anonymous: +(\d+) kB$/;

/**
 * Read-only private mappings of files without a page of their own. Relocated data is read-only too, and has such pages: without them it would be
 * the file's again.
 * @param smaps as /proc/PID/smaps has it (proc_pid_smaps(5))
 */
export function cleanFileMappings(smaps: string): Mapping[] {
  const found: Mapping[] = [];
  let current: Mapping | undefined;
  for (const line of smaps.split("\n")) {
    const [, start, end] = HEAD.exec(line) ?? [];
    if (start !== undefined && end !== undefined) {
      current = { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) };
    } else if (ANY_HEAD.test(line)) {
      current = undefined;
    } else if (current !== undefined && ANONYMOUS.exec(line)?.[1] === "0") {
      found.push(current);
    }
  }
  return found;
}

/** Let go of those of this process. Harmless at any time, and where it cannot be done. */
export function releaseFilePages(libc: Libc): void {
  let smaps: string;
  try {
    smaps = readFileSync("/proc/self/smaps", "latin1");
  } catch {
    return;
  }
  const base = Number(libc.base);
  for (const { start, end } of cleanFileMappings(smaps)) libc.madvise(start - base, end - start, PROCESS.MADV_DONTNEED);
}
