/** A priority as of nice(1), by the runtime's own call. Priority classes of Windows stand for ranges of values. */
import { setPriority } from "node:os";

/** @returns whether the system agreed */
export function setProcessPriority(nice: number): boolean {
  try {
    setPriority(nice);
    return true;
  } catch {
    return false;
  }
}
