/**
 * Whether a key may be told at a tunnel's socket: who else may write in its folder could have put a socket of his own there, before the
 * daemon did or in the place of it.
 */
import { lstatSync, statSync } from "node:fs";
import { dirname } from "node:path";

const ROOT = 0;
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/** @returns why not; undefined for the socket of root or of this user, and where there is none */
export function strangerAt(path: string): string | undefined {
  const socket = lstatSync(path, { throwIfNoEntry: false });
  if (socket === undefined) return undefined;
  if (socket.uid !== ROOT && socket.uid !== process.getuid?.()) return `${path} is user ${socket.uid}'s`;
  const folder = dirname(path);
  const { mode } = statSync(folder);
  if ((mode & OTHERS_MAY_WRITE) !== 0 && (mode & STICKY) === 0) return `others may put a socket of theirs in ${folder}`;
  return undefined;
}
