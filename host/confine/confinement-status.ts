/** What protects a daemon and its keys, as far as the kernel agreed to it. */

/** The region for key material. */
export interface KeyMemory {
  /** Never written to swap. */
  readonly lockedBytes: number;
  readonly secretBytes: number;
  /** Slots, from the first on, whose keys are in the locked part: as many peers, for the lowest free slot is given out. */
  readonly lockedPeers: number;
  /** Is our own private key? */
  readonly identity: "locked" | "unlocked";
}

export interface ConfinementStatus extends KeyMemory {
  /** Name or number of the user that every thread runs as. */
  readonly user: string;
  /** Held by the main thread; the others hold none once the user is no longer root. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** A filter of system calls is on every thread. */
  readonly seccomp: boolean;
  /** Version of Landlock in force; 0 for none. */
  readonly landlock: number;
  /** Before Linux 7.0, Landlock holds on the thread that asked for it and on those it starts later. */
  readonly landlockThreads: "all" | "main" | "none";
  /** Other processes of the same user may read its memory, and it may leave a core dump. */
  readonly dumpable: boolean;
}

/** One line for the log. */
export function describeConfinement(status: ConfinementStatus): string {
  return [
    `user ${status.user}`,
    `capabilities ${status.capabilities.join(",") || "none"}`,
    `no_new_privs ${status.noNewPrivileges ? "on" : "off"}`,
    `seccomp ${status.seccomp ? "on" : "off"}`,
    status.landlock === 0 ? "landlock off" : `landlock ABI ${status.landlock} (${status.landlockThreads})`,
    `key memory locked ${binary(status.lockedBytes)} of ${binary(status.secretBytes)} (identity ${status.identity}, ${status.lockedPeers} peers)`,
    status.dumpable ? "dumpable" : "not dumpable",
  ].join(", ");
}

function binary(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** This process's, once its daemon is ready: for statistics. A process has one confinement. */
let inForce: ConfinementStatus | undefined;

export function confinementInForce(): ConfinementStatus | undefined {
  return inForce;
}

export function recordConfinement(status: ConfinementStatus): void {
  inForce = status;
}
