/**
 * From root to an unprivileged user, on every thread. The C library carries a change of user to all threads, and with
 * it each of them loses its capabilities; PR_SET_KEEPCAPS is the calling thread's own, so that thread alone may keep
 * some. It is the thread that opens and marks UDP sockets. (A new start through setpriv would give ambient capabilities
 * to all threads instead.)
 */
import { PROCESS } from "../ffi/constants.ts";
import { errnoName } from "../ffi/errno.ts";
import type { Libc } from "../ffi/libc.ts";
import { NULL } from "../ffi/posix.ts";
import type { User } from "./user.ts";

/** @returns undefined, or what was refused. A process that is not root keeps its user. */
export function becomeUser(libc: Libc, user: User): string | undefined {
  const now = process.getuid?.();
  if (now !== 0) return now === user.uid ? undefined : `only root can change it, and this process is user ${now}`;
  libc.prctl(PROCESS.PR_SET_KEEPCAPS, 1, 0, 0, 0);
  try {
    for (const [call, change] of [
      ["setgroups", () => libc.setgroups(0, NULL)],
      ["setresgid", () => libc.setresgid(user.gid, user.gid, user.gid)],
      ["setresuid", () => libc.setresuid(user.uid, user.uid, user.uid)],
    ] as const) {
      const result = change();
      if (result < 0) return `${call}: ${errnoName(-result)}`;
    }
  } finally {
    libc.prctl(PROCESS.PR_SET_KEEPCAPS, 0, 0, 0, 0);
  }
  return undefined;
}
