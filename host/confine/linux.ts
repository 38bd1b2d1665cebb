/**
 * Confinement on Linux, in this order because each step takes away what the one before needed: the helper is started,
 * the user changes, no_new_privs, Landlock, the filter of system calls. A step that the kernel or a container refuses is
 * logged in one line, and the others are still taken.
 */
import { PROCESS } from "../ffi/constants.ts";
import { EAGAIN, EPERM, errnoName } from "../ffi/errno.ts";
import type { Libc } from "../ffi/libc.ts";
import { runtime } from "../io/platform.ts";
import { type Capability, changeIdentity } from "./identity.ts";
import { landlockVersion, restrictFiles } from "./landlock.ts";
import { currentStatus } from "./none.ts";
import { filterSystemCalls } from "./seccomp.ts";
import type { ConfinementStatus, KeyMemory } from "./status.ts";
import type { User } from "./user.ts";

export interface ConfineOptions {
  /** Name or number of the user to become; `wasmguard` or `nobody` by default. */
  readonly user?: string | undefined;
  /** For SO_MARK and for socket buffers beyond the system's limit. */
  readonly netAdmin: "keep" | "drop";
  /** For ports below 1024. */
  readonly lowPorts: "keep" | "drop";
}

type Log = (level: "error" | "verbose", message: string) => void;

/**
 * All steps, on the main thread, once everything is open that will ever be.
 * @param user  from `findUser`
 */
export function confine(
  libc: Libc,
  user: User,
  options: ConfineOptions,
  keyMemory: KeyMemory,
  log: Log,
): ConfinementStatus {
  const taken = (what: string, result: number): boolean => {
    if (result < 0) log("error", `not confined by ${what}: the system refuses it (${errnoName(-result)})`);
    return result >= 0;
  };
  const keep: Capability[] = [];
  if (options.netAdmin === "keep") keep.push("CAP_NET_ADMIN");
  if (options.lowPorts === "keep") keep.push("CAP_NET_BIND_SERVICE");
  const changed = taken(`user ${user.name}`, changeIdentity(libc, user, keep));
  // A change of user makes the process dumpable or not as the system's settings say.
  libc.prctl(PROCESS.PR_SET_DUMPABLE, 0, 0, 0, 0);
  const noNewPrivileges = taken("no_new_privs", libc.prctl(PROCESS.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const version = landlockVersion(libc);
  const restricted = version === 0 ? "none" : restrictFiles(libc, version);
  if (typeof restricted === "number") taken("Landlock", restricted);
  // Bun's collector looks at /proc/self/statm at any time, also between one of our calls that failed and the look at its
  // errno. "Try again" is the answer that does no harm there.
  const openErrno = runtime() === "bun" ? EAGAIN : EPERM;
  const ring = runtime() === "node" ? "in use" : "none";
  const status = currentStatus(libc, keyMemory);
  return {
    ...status,
    user: changed ? user.name : status.user,
    noNewPrivileges,
    landlock: typeof restricted === "number" ? 0 : version,
    landlockThreads: typeof restricted === "number" ? "none" : restricted,
    seccomp: taken("seccomp", filterSystemCalls(libc, { pid: process.pid, ring, openErrno })),
  };
}
