/**
 * Pages of this process's program that it never wrote. The kernel maps them in large strokes while a program starts, most of them for the start
 * alone, and takes none back as long as memory suffices. A process at rest can let go of them: what it runs after all is mapped again out of
 * the page cache, a microsecond for each stroke.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { PROCESS } from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";

export interface Mapping {
  /** Machine addresses. */
  readonly start: number;
  readonly end: number;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(.*)$/;
/** Pages that are no longer the file's: in memory, and those that are out on swap, which are not counted as anonymous. */
const WRITTEN = /^(Anonymous|Swap): +(\d+) kB$/;

/**
 * Read-only private mappings of the program without a page of their own. Relocated data is read-only too, and has such pages: without them it would
 * be the file's again. Libraries are left alone: a thread may be loading one, which maps its parts over each other and then relocates them.
 * @param smaps as /proc/PID/smaps has it (proc_pid_smaps(5))
 * @param program  its path, as /proc/PID/exe has it
 */
export function cleanProgramMappings(smaps: string, program: string): Mapping[] {
  const found: Mapping[] = [];
  let current: Mapping | undefined;
  /** Kilobytes written, of each kind that was told. */
  let written: number[] = [];
  const settle = () => {
    if (current !== undefined && written.length === 2 && written.every((size) => size === 0)) found.push(current);
  };
  for (const line of smaps.split("\n")) {
    const head = HEAD.exec(line);
    if (head !== null) {
      settle();
      const [, start = "", end = "", rights = "", path] = head;
      const clean = path === program && /^r-[-x]p$/.test(rights);
      current = clean ? { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) } : undefined;
      written = [];
    } else {
      const size = WRITTEN.exec(line)?.[2];
      if (size !== undefined) written.push(Number(size));
    }
  }
  settle();
  return found;
}

/** Let go of those of this process: at any time, and nothing happens where it cannot be done. */
export function releaseFilePages(libc: Libc): void {
  let mappings: Mapping[];
  try {
    mappings = cleanProgramMappings(readFileSync("/proc/self/smaps", "utf8"), readlinkSync("/proc/self/exe"));
  } catch {
    return;
  }
  const base = Number(libc.base);
  for (const { start, end } of mappings) libc.madvise(start - base, end - start, PROCESS.MADV_DONTNEED);
}
