/**
 * Which descriptors a program inherits: the daemon its three first and those that were named, and nothing that happened to be open; a
 * program that becomes itself once more all that it was given.
 */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { FILE } from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
import { runtime } from "../../platform.ts";
import { CliError } from "../command-errors.ts";

const STDERR = 2;

/** Mark all others to be closed when a program is executed. @throws CliError for one that is not open */
export function inheritOnly(libc: Libc, inherited: readonly number[]): void {
  for (const fd of inherited) {
    if (!existsSync(`/dev/fd/${fd}`)) {
      throw new CliError(`descriptor ${fd} is not open`, "Check --tun-fd, --uapi-fd, WG_TUN_FD and WG_UAPI_FD");
    }
  }
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    // Node has marked even the first three.
    const passedOn = fd <= STDERR || inherited.includes(fd);
    libc.fcntl(fd, FILE.F_SETFD, passedOn ? 0 : FILE.FD_CLOEXEC);
  }
}

/**
 * Have the next program of this process inherit what this one did, such as the file of `wasmguard proxy /dev/fd/3 3<office.conf`: Node marks
 * whatever is open when it starts. What it has opened itself since are anonymous files, pipes with both ends, /dev/null, and the sockets of
 * a debugger, which are not passed on.
 */
export function passOnInherited(libc: Libc): void {
  if (runtime() !== "node") return;
  const open = readdirSync("/proc/self/fd").map((name) => ({ fd: Number(name), file: targetOf(name) }));
  for (const { fd, file } of open) {
    const ends = open.filter((other) => other.file === file).length;
    const nodesOwn = /^(?:anon_inode|socket):|^\/dev\/null$/.test(file) || (file.startsWith("pipe:") && ends > 1);
    if (fd > STDERR && file !== "" && !nodesOwn) libc.fcntl(fd, FILE.F_SETFD, 0);
  }
}

/** What is open there; empty for the descriptor that read the list, which is closed again. */
function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
