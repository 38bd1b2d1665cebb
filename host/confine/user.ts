/** Which user the daemon becomes, looked up in the system's own list. */
import { readFileSync } from "node:fs";
import { UserUnknownError } from "../errors.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A user of its own shares nothing with other daemons; the second one exists everywhere. */
const DEFAULT_NAMES = ["wasmguard", "nobody"] as const;
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

function readUsers(): Map<string, User> {
  try {
    return usersOf(readFileSync("/etc/passwd", "utf8"));
  } catch {
    return new Map();
  }
}

/** @param wanted  a name, a number, or undefined for the default. @throws UserUnknownError */
export function findUser(wanted: string | undefined): User {
  const users = readUsers();
  if (wanted === undefined) {
    for (const name of DEFAULT_NAMES) {
      const user = users.get(name);
      if (user !== undefined) return user;
    }
    return { name: `${OVERFLOW_ID}`, uid: OVERFLOW_ID, gid: OVERFLOW_ID };
  }
  const named = users.get(wanted);
  if (named !== undefined) return named;
  const uid = /^\d{1,10}$/.test(wanted) ? Number(wanted) : Number.NaN;
  if (!(uid <= ID_MAX)) throw new UserUnknownError(wanted);
  return [...users.values()].find((user) => user.uid === uid) ?? { name: wanted, uid, gid: uid };
}
