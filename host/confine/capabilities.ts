/**
 * Capabilities of the calling thread: what it holds, what it gives up, and what it does for a moment without. (A process
 * has none: each thread has its own sets.)
 */
import { PROCESS } from "../ffi/constants.ts";
import { CAPABILITY_HEADER, CAPABILITY_SET } from "../ffi/layout.ts";
import type { Libc } from "../ffi/libc.ts";
import { systemCall } from "../ffi/system-calls.ts";

/** Those that have a name here. All numbers are below 32. */
const CAPABILITIES = {
  CAP_CHOWN: PROCESS.CAP_CHOWN,
  CAP_DAC_OVERRIDE: PROCESS.CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH: PROCESS.CAP_DAC_READ_SEARCH,
  CAP_FOWNER: PROCESS.CAP_FOWNER,
  CAP_KILL: PROCESS.CAP_KILL,
  CAP_SETGID: PROCESS.CAP_SETGID,
  CAP_SETUID: PROCESS.CAP_SETUID,
  CAP_SETPCAP: PROCESS.CAP_SETPCAP,
  CAP_NET_BIND_SERVICE: PROCESS.CAP_NET_BIND_SERVICE,
  CAP_NET_BROADCAST: PROCESS.CAP_NET_BROADCAST,
  CAP_NET_ADMIN: PROCESS.CAP_NET_ADMIN,
  CAP_NET_RAW: PROCESS.CAP_NET_RAW,
  CAP_IPC_LOCK: PROCESS.CAP_IPC_LOCK,
  CAP_SYS_NICE: PROCESS.CAP_SYS_NICE,
  CAP_SYS_RESOURCE: PROCESS.CAP_SYS_RESOURCE,
} as const;
export type Capability = keyof typeof CAPABILITIES;

/** More than any kernel has. */
const NUMBERS = 64;
const SETS_AT = 64;

export function maskOf(names: readonly Capability[]): number {
  return names.reduce((mask, name) => mask | (1 << CAPABILITIES[name]), 0);
}

export function namesOf(mask: number): string[] {
  const names: string[] = [];
  for (let number = 0; number < 32; number++) {
    if (((mask >>> number) & 1) === 0) continue;
    const known = Object.entries(CAPABILITIES).find(([, value]) => value === number);
    names.push(known?.[0] ?? `capability ${number}`);
  }
  return names;
}

interface Sets {
  readonly effective: number;
  readonly permitted: number;
  readonly inheritable: number;
}

function prepareHeader(libc: Libc): number {
  const { view, at, bytes } = libc.scratch;
  bytes.fill(0, 0, SETS_AT + 2 * CAPABILITY_SET.BYTES);
  view.setUint32(CAPABILITY_HEADER.version, PROCESS._LINUX_CAPABILITY_VERSION_3, true);
  return libc.pointer(at(0));
}

/** Capabilities 0–31 of the calling thread. */
function read(libc: Libc): Sets {
  const header = prepareHeader(libc);
  libc.systemCall(systemCall("capget")!, header, libc.pointer(libc.scratch.at(SETS_AT)));
  const set = (offset: number): number => libc.scratch.view.getUint32(SETS_AT + offset, true);
  return {
    effective: set(CAPABILITY_SET.effective),
    permitted: set(CAPABILITY_SET.permitted),
    inheritable: set(CAPABILITY_SET.inheritable),
  };
}

/** Capabilities from 32 on are given up. @returns 0 or −errno */
function write(libc: Libc, { effective, permitted, inheritable }: Sets): number {
  const header = prepareHeader(libc);
  const { view, at } = libc.scratch;
  view.setUint32(SETS_AT + CAPABILITY_SET.effective, effective, true);
  view.setUint32(SETS_AT + CAPABILITY_SET.permitted, permitted, true);
  view.setUint32(SETS_AT + CAPABILITY_SET.inheritable, inheritable, true);
  return libc.systemCall(systemCall("capset")!, header, libc.pointer(at(SETS_AT)));
}

/** What the calling thread may use. */
export function permittedCapabilities(libc: Libc): number {
  return read(libc).permitted;
}

/** Give up all but `mask` in the calling thread, for good. @returns 0 or −errno */
export function keepOnly(libc: Libc, mask: number): number {
  return write(libc, { effective: mask, permitted: mask, inheritable: 0 });
}

/**
 * Do something with no more than these. The kernel remembers of a netlink socket what its opener could do, and lets nobody
 * do more with it.
 */
export function withOnly<T>(libc: Libc, names: readonly Capability[], action: () => T): T {
  const before = read(libc);
  write(libc, { ...before, effective: before.effective & maskOf(names) });
  try {
    return action();
  } finally {
    write(libc, before);
  }
}

/** No program that this thread starts will hold others than these. @returns 0, or −errno where it may not */
export function boundTo(libc: Libc, names: readonly Capability[]): number {
  const mask = maskOf(names);
  for (let number = 0; number < NUMBERS; number++) {
    if (number < 32 && ((mask >>> number) & 1) !== 0) continue;
    const result = libc.prctl(PROCESS.PR_CAPBSET_DROP, number, 0, 0, 0);
    // The first number that the kernel does not know ends the list.
    if (result < 0) return number > 32 ? 0 : result;
  }
  return 0;
}
