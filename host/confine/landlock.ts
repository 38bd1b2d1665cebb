/**
 * Landlock (Documentation/userspace-api/landlock.rst of the kernel): from here on the thread opens, makes, changes and
 * removes no file, binds and connects no TCP socket, reaches no abstract unix socket and signals no process that is
 * not confined with it. There is no exception, because nothing is needed: all is open already.
 */
import { LANDLOCK } from "../ffi/constants.ts";
import { LANDLOCK_RULESET } from "../ffi/layout.ts";
import type { Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";

/** The rights over files that ABI 1 knew. */
const FILES_ABI_1 = 0x1fff;

/** @returns 0 where there is no Landlock */
export function landlockVersion(libc: Libc): number {
  const number = systemCall("landlock_create_ruleset")!;
  return Math.max(0, libc.systemCall(number, 0, 0, LANDLOCK.LANDLOCK_CREATE_RULESET_VERSION));
}

/** Fill in all that this version can forbid. @returns size of the struct */
function writeRuleset(libc: Libc, version: number): number {
  const { view } = libc.scratch;
  let files = FILES_ABI_1;
  if (version >= 2) files |= LANDLOCK.LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) files |= LANDLOCK.LANDLOCK_ACCESS_FS_TRUNCATE;
  if (version >= 5) files |= LANDLOCK.LANDLOCK_ACCESS_FS_IOCTL_DEV;
  view.setBigUint64(LANDLOCK_RULESET.files, BigInt(files), true);
  if (version < 4) return LANDLOCK_RULESET.network;
  const network = LANDLOCK.LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK.LANDLOCK_ACCESS_NET_CONNECT_TCP;
  view.setBigUint64(LANDLOCK_RULESET.network, BigInt(network), true);
  if (version < 6) return LANDLOCK_RULESET.scoped;
  const scoped = LANDLOCK.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK.LANDLOCK_SCOPE_SIGNAL;
  view.setBigUint64(LANDLOCK_RULESET.scoped, BigInt(scoped), true);
  return LANDLOCK_RULESET.BYTES;
}

/** Needs no_new_privs. @returns the threads it holds on; −errno when refused */
export function restrictFiles(libc: Libc, version: number): "all" | "main" | number {
  const size = writeRuleset(libc, version);
  const ruleset = libc.systemCall(systemCall("landlock_create_ruleset")!, libc.pointer(libc.scratch.at(0)), size, 0);
  if (ruleset < 0) return ruleset;
  const restrict = (flags: number): number => libc.systemCall(systemCall("landlock_restrict_self")!, ruleset, flags);
  const everywhere = version >= 8 && restrict(LANDLOCK.LANDLOCK_RESTRICT_SELF_TSYNC) >= 0;
  const result = everywhere ? 0 : restrict(0);
  libc.close(ruleset);
  if (result < 0) return result;
  return everywhere ? "all" : "main";
}
