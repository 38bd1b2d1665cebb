/** Which descriptors the daemon inherits: its three first and those that were named, and nothing that happened to be open. */
import { existsSync, readdirSync } from "node:fs";
import { FILE } from "../../ffi/constants.ts";
import type { Libc } from "../../ffi/libc.ts";
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
