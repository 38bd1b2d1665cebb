/** Which user the daemon becomes, looked up in the system's own list. */
import { readFileSync } from "node:fs";
import { UserUnknownError } from "../errors.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A user of its own shares nothing with other daemons; the second one exists everywhere. */
const SHARED_NAME = "nobody";
const DEFAULT_NAMES = ["wasmguard", SHARED_NAME] as const;
const ID_MAX = 0xfffffffe;
/** What `nobody` is on a system without a list of users. */
const OVERFLOW_ID = 65534;

function usersOf(text: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const line of text.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name && uid && gid) users.set(name, { name, uid: Number(uid), gid: Number(gid) });
  }
  return users;
}

function userOf(users: Map<string, User>, uid: number): User | undefined {
  return [...users.values()].find((user) => user.uid === uid);
}

function readUsers(): Map<string, User> {
  try {
    return usersOf(readFileSync("/etc/passwd", "utf8"));
  } catch {
    return new Map();
  }
}

/**
 * @param wanted  a name, a number, or undefined for the default: whoever is not root may stay what it is
 * @throws UserUnknownError
 */
export function findUser(wanted: string | undefined): User {
  const users = readUsers();
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (wanted === undefined && uid !== 0) return userOf(users, uid) ?? { name: `${uid}`, uid, gid };
  if (wanted === undefined) {
    for (const name of DEFAULT_NAMES) {
      const user = users.get(name);
      if (user !== undefined) return user;
    }
    return { name: `${OVERFLOW_ID}`, uid: OVERFLOW_ID, gid: OVERFLOW_ID };
  }
  const named = users.get(wanted);
  if (named !== undefined) return named;
  const number = /^\d{1,10}$/.test(wanted) ? Number(wanted) : Number.NaN;
  if (!(number <= ID_MAX)) throw new UserUnknownError(wanted);
  return userOf(users, number) ?? { name: wanted, uid: number, gid: number };
}

/** Whether this system has users beside this process's: user namespaces may have that one alone (user_namespaces(7)). */
export function hasOtherUsers(): boolean {
  try {
    const counts = readFileSync("/proc/self/uid_map", "latin1").trim().split("\n");
    return counts.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0) > 1;
  } catch {
    return true;
  }
}

/** Other programs may run as this user: they can end the daemon, and take part of its ports. */
export function isShared(user: User): boolean {
  return user.name === SHARED_NAME || user.uid === OVERFLOW_ID;
}

export const SHARED_USER_WARNING =
  "running as nobody, whom other programs may share: a user of its own is safer (docs/security.md)";
