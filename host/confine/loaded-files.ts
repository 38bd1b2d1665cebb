/**
 * The files that this process has loaded into its memory: its program, the dynamic linker, libraries. The same program that
 * starts again loads the same ones, wherever a package manager of its own (Homebrew, conda) keeps them.
 */
import { readFileSync } from "node:fs";

/** What the kernel puts behind the name of a file that has been replaced since. */
const REPLACED = " (deleted)";

/** @param maps  text of /proc/PID/maps  @returns full paths, each once */
export function filesIn(maps: string): string[] {
  const paths = maps.split("\n").flatMap((line) => /^(?:\S+ +){5}(\/.*)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)].filter((path) => !path.startsWith("/dev/") && !path.endsWith(REPLACED));
}

/** Of this process; none without /proc. */
export function loadedFiles(): string[] {
  try {
    return filesIn(readFileSync("/proc/self/maps", "utf8"));
  } catch {
    return [];
  }
}
