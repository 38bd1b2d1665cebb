/**
 * Limits of this process (ulimit) that a tunnel cannot live within, told before it starts: within them the runtimes fail at any
 * step, or crash.
 */
import { readFileSync } from "node:fs";
import { CliError } from "./command-errors.ts";

/** Start takes 34, eight clients and metrics are more. */
const DESCRIPTORS_MIN = 48;
/** Node takes 1.2 GB of address space for itself, others less, and a tunnel's memory is reserved at once: what is too little beyond that, the runtime tells. */
const ADDRESS_SPACE_MIN = 1.5e9;

/** The soft limits as /proc/self/limits lists them; Infinity where there is none. */
function softLimit(limits: string, name: string): number {
  const value = new RegExp(`^${name} +(\\S+)`, "m").exec(limits)?.[1];
  return value === undefined || value === "unlimited" ? Number.POSITIVE_INFINITY : Number(value);
}

/** @param limits the text of /proc/self/limits @throws CliError */
export function checkLimits(limits: string): void {
  const descriptors = softLimit(limits, "Max open files");
  if (descriptors < DESCRIPTORS_MIN) {
    throw new CliError(
      `only ${descriptors} descriptors may be open, and a tunnel needs ${DESCRIPTORS_MIN}`,
      `Raise the limit: ulimit -n 1024 (LimitNOFILE= of a systemd unit)`,
    );
  }
  const addressSpace = softLimit(limits, "Max address space");
  if (addressSpace < ADDRESS_SPACE_MIN) {
    throw new CliError(
      `only ${Math.floor(addressSpace / 1024)} KiB of address space may be used, and a tunnel needs ${Math.ceil(ADDRESS_SPACE_MIN / 1024)}`,
      "Raise the limit: ulimit -v unlimited (LimitAS= of a systemd unit); MemoryMax= limits what is really used",
    );
  }
}

/** Of this process. Without /proc whatever happens will tell. @throws CliError */
export function checkOwnLimits(): void {
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "latin1");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EMFILE") throw error;
    return;
  }
  checkLimits(limits);
}
