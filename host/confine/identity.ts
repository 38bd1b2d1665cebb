/**
 * From root to an unprivileged user, on every thread. The C library carries a change of user to all threads, and with
 * it each of them loses its capabilities; PR_SET_KEEPCAPS is the calling thread's own, so that thread alone may keep
 * some. It is the thread that opens and marks UDP sockets. (A new start through setpriv would give ambient capabilities
 * to all threads instead.)
 */
import { PROCESS } from "../ffi/constants.ts";
import { CAPABILITY_HEADER, CAPABILITY_SET } from "../ffi/layout.ts";
import { type Libc, NULL } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";
import type { User } from "./user.ts";

/** Those that a daemon may keep. All numbers are below 32. */
const CAPABILITIES = {
  CAP_NET_ADMIN: PROCESS.CAP_NET_ADMIN,
  CAP_NET_BIND_SERVICE: PROCESS.CAP_NET_BIND_SERVICE,
} as const;
export type Capability = keyof typeof CAPABILITIES;

const SETS_AT = 64;

function prepareHeader(libc: Libc): number {
  const { view, at, bytes } = libc.scratch;
  bytes.fill(0, 0, SETS_AT + 2 * CAPABILITY_SET.BYTES);
  view.setUint32(CAPABILITY_HEADER.version, PROCESS._LINUX_CAPABILITY_VERSION_3, true);
  return libc.pointer(at(0));
}

/** Capabilities 0–31 that the calling thread may use. */
export function permittedCapabilities(libc: Libc): number {
  const header = prepareHeader(libc);
  libc.systemCall(systemCall("capget")!, header, libc.pointer(libc.scratch.at(SETS_AT)));
  return libc.scratch.view.getUint32(SETS_AT + CAPABILITY_SET.permitted, true);
}

/** Give up all but `mask` in the calling thread. @returns 0 or −errno */
function keepOnly(libc: Libc, mask: number): number {
  const header = prepareHeader(libc);
  const { view, at } = libc.scratch;
  view.setUint32(SETS_AT + CAPABILITY_SET.effective, mask, true);
  view.setUint32(SETS_AT + CAPABILITY_SET.permitted, mask, true);
  return libc.systemCall(systemCall("capset")!, header, libc.pointer(at(SETS_AT)));
}

/** Become `user`; a process that is not root keeps its user. @returns 0 or −errno of what was refused */
export function changeIdentity(libc: Libc, user: User, keep: readonly Capability[]): number {
  const wanted = keep.reduce((mask, name) => mask | (1 << CAPABILITIES[name]), 0);
  const mask = permittedCapabilities(libc) & wanted;
  let refused = 0;
  if (process.getuid?.() === 0) {
    libc.prctl(PROCESS.PR_SET_KEEPCAPS, 1, 0, 0, 0);
    for (const change of [
      () => libc.setgroups(0, NULL),
      () => libc.setresgid(user.gid, user.gid, user.gid),
      () => libc.setresuid(user.uid, user.uid, user.uid),
    ]) {
      refused = change();
      if (refused < 0) break;
    }
    libc.prctl(PROCESS.PR_SET_KEEPCAPS, 0, 0, 0, 0);
  }
  const result = keepOnly(libc, mask);
  return refused < 0 ? refused : result;
}

/** Names of what the calling thread still has. */
export function capabilityNames(libc: Libc): string[] {
  const mask = permittedCapabilities(libc) >>> 0;
  const names: string[] = [];
  for (let number = 0; number < 32; number++) {
    if (((mask >>> number) & 1) === 0) continue;
    const known = Object.entries(CAPABILITIES).find(([, value]) => value === number);
    names.push(known?.[0] ?? `capability ${number}`);
  }
  return names;
}
