/** How the system's programs are run here: as everywhere, but tests bring their own. */
import { ask, attempt, run, runAs } from "../shell.ts";

export interface Programs {
  readonly ask: typeof ask;
  readonly attempt: typeof attempt;
  readonly run: typeof run;
  readonly runAs: typeof runAs;
}

export const SYSTEM_PROGRAMS: Programs = { ask, attempt, run, runAs };

/** All that is run. */
export const NEEDED = ["ifconfig", "netstat", "networksetup", "route"] as const;

const SYSTEM_FOLDERS = "/usr/bin:/bin:/usr/sbin:/sbin";

/** For what is run as root, hooks included: sudo leaves the user's PATH, and folders at its beginning may be open to that user's programs. */
export function preferSystemPrograms(): void {
  process.env.PATH = [SYSTEM_FOLDERS, process.env.PATH ?? ""].filter((part) => part !== "").join(":");
}

export type Family = "inet" | "inet6";

/** As route(8), netstat(1) and ifconfig(8) call it. @param text an address or a prefix */
export function familyOf(text: string): Family {
  return text.includes(":") ? "inet6" : "inet";
}
