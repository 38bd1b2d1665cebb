/**
 * The daemon's share of the processor. Every packet of every program passes here, so the daemon must get its turn when
 * they are busy, as the kernel's own network threads do. Where sessions are scheduled as groups (sched(7), autogroup), the
 * nice value of a process counts only within its session, and the session's own value counts outside: so both are set.
 */
import { writeFileSync } from "node:fs";
import { setProcessPriority } from "../priority.ts";

const AUTOGROUP = "/proc/self/autogroup";

/**
 * Give the calling thread, and the session that it leads, a nice value.
 * @param nice −20 (most) to 19; below 0 wants CAP_SYS_NICE
 * @returns whether the system agreed
 */
export function setNice(nice: number): boolean {
  if (!setProcessPriority(nice)) return false;
  try {
    writeFileSync(AUTOGROUP, `${nice}`);
  } catch {
    // A kernel without groups, or with them switched off: then the nice value alone is what counts.
  }
  return true;
}
