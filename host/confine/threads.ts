/** What the kernel says of each thread of this process (/proc/self/task/N/status): the proof of what was asked for. */
import { readdirSync, readFileSync } from "node:fs";

export interface ThreadStatus {
  readonly id: number;
  /** Real, effective, saved and file-system user. */
  readonly users: readonly number[];
  /** All that it holds in any set but the bounding one. */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** Process that traces it; 0 for none. */
  readonly tracer: number;
}

/** Every thread; the main one is among them. */
export function readThreads(): ThreadStatus[] {
  return readdirSync("/proc/self/task").flatMap((id) => {
    try {
      return [parseStatus(Number(id), readFileSync(`/proc/self/task/${id}/status`, "latin1"))];
    } catch {
      return []; // it has ended
    }
  });
}

function parseStatus(id: number, text: string): ThreadStatus {
  const field = (name: string): string => {
    const at = text.indexOf(`\n${name}:\t`);
    if (at < 0) return "";
    const value = at + name.length + 3;
    return text.slice(value, text.indexOf("\n", value)).trim();
  };
  const sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"].map((name) => BigInt(`0x${field(name) || "0"}`));
  return {
    id,
    users: field("Uid").split("\t").map(Number),
    capabilities: sets.reduce((all, set) => all | set, 0n),
    noNewPrivileges: field("NoNewPrivs") === "1",
    tracer: Number(field("TracerPid")),
  };
}
