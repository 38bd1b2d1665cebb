/**
 * Confinement on Linux once all is open, in this order because each step takes away what the one before needed: the user
 * changes, capabilities go, Landlock, the filter of system calls. The runtime was started in a sandbox already
 * (sandbox.ts). A step that the system refuses ends the start, unless the user allowed it to fail.
 */
import { readFileSync } from "node:fs";
import { PROCESS } from "../ffi/constants.ts";
import { EAGAIN, EPERM } from "../ffi/errno.ts";
import type { Libc } from "../ffi/libc.ts";
import { runtime } from "../platform.ts";
import { type Capability, keepOnly, maskOf, namesOf, permittedCapabilities } from "./capabilities.ts";
import type { ConfinementStatus, KeyMemory } from "./confinement-status.ts";
import { becomeUser } from "./credentials.ts";
import { debugSignalIsShielded } from "./debug-signal.ts";
import { landlockVersion, restrictFiles } from "./landlock.ts";
import { currentStatus } from "./none.ts";
import { filterSystemCalls } from "./seccomp.ts";
import { type Step, Steps } from "./steps.ts";
import { readThreads, type ThreadStatus } from "./threads.ts";
import type { User } from "./user.ts";

export interface ConfineOptions {
  /** Name or number of the user to become; `wasmguard` or `nobody` by default. */
  readonly user?: string | undefined;
  /** For SO_MARK (Linux ≥ 5.17) and for ports below 1024. */
  readonly socketRights: "keep" | "drop";
  /** Steps that may be refused. */
  readonly mayFail: readonly Step[];
}

const SOCKET_RIGHTS: readonly Capability[] = ["CAP_NET_RAW", "CAP_NET_BIND_SERVICE"];

/** More are counted in a message. */
const NAMES_MAX = 3;

/** All that the thread which opens sockets keeps. */
function keptCapabilities(libc: Libc, { socketRights }: ConfineOptions): number {
  return socketRights === "keep" ? permittedCapabilities(libc) & maskOf(SOCKET_RIGHTS) : 0;
}

/** @returns what a thread holds that it should not, if any does */
function strayCapabilities(threads: readonly ThreadStatus[], kept: number): string | undefined {
  for (const { id, capabilities } of threads) {
    const stray = capabilities & ~(id === process.pid ? BigInt(kept >>> 0) : 0n);
    if (stray === 0n) continue;
    const names = namesOf(Number(stray & 0xffffffffn));
    return `thread ${id} keeps ${names.length > NAMES_MAX ? `${names.length} of them` : names.join(", ") || "some"}`;
  }
  return undefined;
}

/** For a moment after the change of user the kernel decides by this who may look into the process. */
function memoryIsOpen(threads: readonly ThreadStatus[]): string | undefined {
  const setting = readFileSync("/proc/sys/fs/suid_dumpable", "latin1").trim();
  if (setting === "1") return "fs.suid_dumpable is 1: set it to 0 or 2";
  const traced = threads.find(({ tracer }) => tracer !== 0);
  return traced && `process ${traced.tracer} traces it`;
}

/**
 * All steps, on the main thread, once everything is open that will ever be.
 * @param user  from `findUser`
 * @throws ConfinementError
 */
export function confine(
  libc: Libc,
  user: User,
  options: ConfineOptions,
  keyMemory: KeyMemory,
  log: (message: string) => void,
): ConfinementStatus {
  const steps = new Steps(options.mayFail);
  steps.took("seccomp", debugSignalIsShielded(libc) ? undefined : "the runtime was not started under its filter");
  const kept = keptCapabilities(libc, options);
  const refused = becomeUser(libc, user);
  steps.took("user", refused && `${user.name}: ${refused}`);
  steps.took("capabilities", keepOnly(libc, kept));
  // A change of user makes the process dumpable or not as the system's settings say.
  libc.prctl(PROCESS.PR_SET_DUMPABLE, 0, 0, 0, 0);
  const threads = readThreads();
  const others = threads.find(({ users }) => users.some((id) => id !== user.uid));
  if (refused === undefined && others !== undefined) steps.took("user", `thread ${others.id} did not follow`);
  steps.took("capabilities", strayCapabilities(threads, kept));
  steps.took("memory", memoryIsOpen(threads));
  if (threads.some(({ noNewPrivileges }) => !noNewPrivileges)) {
    // Where the sandbox could not set it, this thread at least tries.
    steps.took("no-new-privs", libc.prctl(PROCESS.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  }
  const version = landlockVersion(libc);
  const restricted = restrictFiles(libc, version);
  const hasLandlock = steps.took("landlock", typeof restricted === "number" ? restricted : undefined);
  // The last step takes the way back, so it is not taken in vain.
  steps.verdict();
  // Bun's collector looks at /proc/self/statm at any time, also between one of our calls that failed and the look at its
  // errno. "Try again" is the answer that does no harm there.
  const openErrno = runtime() === "bun" ? EAGAIN : EPERM;
  const status = currentStatus(libc, keyMemory);
  const seccomp = steps.took("seccomp", filterSystemCalls(libc, { pid: process.pid, openErrno }));
  for (const line of steps.verdict()) log(line);
  return {
    ...status,
    user: refused === undefined ? user.name : status.user,
    landlock: hasLandlock ? version : 0,
    landlockThreads: typeof restricted === "number" ? "none" : restricted,
    seccomp,
  };
}
