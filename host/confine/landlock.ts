/**
 * Landlock (Documentation/userspace-api/landlock.rst of the kernel), twice. Before the runtime starts: it reads what it is
 * made of and opens what the daemon needs, and no more; every thread inherits that. When all is open: the thread opens,
 * makes, changes and removes no file at all. Both times it connects no TCP socket, reaches no abstract unix socket and
 * signals no process that is not confined with it.
 */
import { FILE, LANDLOCK } from "../ffi/constants.ts";
import { EINVAL, ENOSYS } from "../ffi/errno.ts";
import { LANDLOCK_PATH_BENEATH, LANDLOCK_RULESET } from "../ffi/layout.ts";
import type { Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";

/** The rights over files that ABI 1 knew. */
const FILES_ABI_1 = 0x1fff;

/** @returns −errno where there is no Landlock */
export function landlockVersion(libc: Libc): number {
  const number = systemCall("landlock_create_ruleset")!;
  return libc.systemCall(number, 0, 0, LANDLOCK.LANDLOCK_CREATE_RULESET_VERSION);
}

/** Rights over files that this version knows. */
function filesOf(version: number): number {
  let files = FILES_ABI_1;
  if (version >= 2) files |= LANDLOCK.LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) files |= LANDLOCK.LANDLOCK_ACCESS_FS_TRUNCATE;
  if (version >= 5) files |= LANDLOCK.LANDLOCK_ACCESS_FS_IOCTL_DEV;
  return files;
}

/** Fill in all that this version can forbid. @returns size of the struct */
function writeRuleset(libc: Libc, version: number): number {
  const { view } = libc.scratch;
  view.setBigUint64(LANDLOCK_RULESET.files, BigInt(filesOf(version)), true);
  if (version < 4) return LANDLOCK_RULESET.network;
  const network = LANDLOCK.LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK.LANDLOCK_ACCESS_NET_CONNECT_TCP;
  view.setBigUint64(LANDLOCK_RULESET.network, BigInt(network), true);
  if (version < 6) return LANDLOCK_RULESET.scoped;
  const scoped = LANDLOCK.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK.LANDLOCK_SCOPE_SIGNAL;
  view.setBigUint64(LANDLOCK_RULESET.scoped, BigInt(scoped), true);
  return LANDLOCK_RULESET.BYTES;
}

/** A file, or all below a directory, and what may be done there. What does not exist is passed over. */
export interface PathRule {
  readonly path: string;
  readonly access: number;
}

const { LANDLOCK_ACCESS_FS_EXECUTE, LANDLOCK_ACCESS_FS_READ_FILE, LANDLOCK_ACCESS_FS_READ_DIR } = LANDLOCK;
const { LANDLOCK_ACCESS_FS_WRITE_FILE, LANDLOCK_ACCESS_FS_TRUNCATE, LANDLOCK_ACCESS_FS_IOCTL_DEV } = LANDLOCK;
const { LANDLOCK_ACCESS_FS_MAKE_REG, LANDLOCK_ACCESS_FS_MAKE_SOCK, LANDLOCK_ACCESS_FS_REMOVE_FILE } = LANDLOCK;

export const READ = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
export const WRITE = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
export const DEVICE = WRITE | LANDLOCK_ACCESS_FS_IOCTL_DEV;
/** Make and remove sockets and files, and see what lies in a socket's place. */
export const SOCKETS =
  LANDLOCK_ACCESS_FS_READ_FILE |
  LANDLOCK_ACCESS_FS_WRITE_FILE |
  LANDLOCK_ACCESS_FS_READ_DIR |
  LANDLOCK_ACCESS_FS_MAKE_REG |
  LANDLOCK_ACCESS_FS_MAKE_SOCK |
  LANDLOCK_ACCESS_FS_REMOVE_FILE;
/** Rights over a file alone; a rule for one may have no other. */
const OF_FILES = LANDLOCK_ACCESS_FS_EXECUTE | DEVICE;

/** Nothing but what the rules say, for this thread and for the programs that it becomes and starts. @returns 0 or −errno */
export function restrictTo(libc: Libc, rules: readonly PathRule[], sockets: "no TCP" | "TCP servers"): number {
  const version = landlockVersion(libc);
  if (version <= 0) return version === 0 ? -ENOSYS : version;
  const size = writeRuleset(libc, version);
  if (sockets === "TCP servers" && version >= 4) {
    libc.scratch.view.setBigUint64(LANDLOCK_RULESET.network, BigInt(LANDLOCK.LANDLOCK_ACCESS_NET_CONNECT_TCP), true);
  }
  const ruleset = libc.systemCall(systemCall("landlock_create_ruleset")!, libc.pointer(libc.scratch.at(0)), size, 0);
  if (ruleset < 0) return ruleset;
  for (const rule of rules) addRule(libc, ruleset, rule, filesOf(version));
  const result = libc.systemCall(systemCall("landlock_restrict_self")!, ruleset, 0);
  libc.close(ruleset);
  return result;
}

function addRule(libc: Libc, ruleset: number, { path, access }: PathRule, handled: number): void {
  const fd = libc.open(libc.text(path), FILE.O_PATH | FILE.O_CLOEXEC, 0);
  if (fd < 0) return;
  const { view, at } = libc.scratch;
  const number = systemCall("landlock_add_rule")!;
  const allow = (rights: number): number => {
    view.setBigUint64(LANDLOCK_PATH_BENEATH.access, BigInt(rights), true);
    view.setInt32(LANDLOCK_PATH_BENEATH.parent, fd, true);
    return libc.systemCall(number, ruleset, LANDLOCK.LANDLOCK_RULE_PATH_BENEATH, libc.pointer(at(0)), 0);
  };
  // The kernel looks whether it is a directory, so nobody else has to.
  if (allow(access & handled) === -EINVAL) allow(access & handled & OF_FILES);
  libc.close(fd);
}

/** Needs no_new_privs. @returns the threads it holds on; −errno when refused */
export function restrictFiles(libc: Libc, version: number): "all" | "main" | number {
  if (version <= 0) return version === 0 ? -ENOSYS : version;
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
