/** What is in force without any step of confinement: the state that a process was started in. */
import { PROCESS } from "../ffi/constants.ts";
import type { Libc } from "../ffi/libc.ts";
import { namesOf, permittedCapabilities } from "./capabilities.ts";
import type { ConfinementStatus, KeyMemory } from "./confinement-status.ts";

export function currentStatus(libc: Libc, keyMemory: KeyMemory): ConfinementStatus {
  return {
    ...keyMemory,
    user: `${process.getuid?.() ?? "unknown"}`,
    capabilities: namesOf(permittedCapabilities(libc)),
    noNewPrivileges: libc.prctl(PROCESS.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) === 1,
    seccomp: false,
    landlock: 0,
    landlockThreads: "none",
    dumpable: libc.prctl(PROCESS.PR_GET_DUMPABLE, 0, 0, 0, 0) === 1,
  };
}
