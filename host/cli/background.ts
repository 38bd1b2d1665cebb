/** What a daemon and the process that started it agree on. */

/**
 * Set for the daemon alone: its runtime was started for it, and it is to run in the background or the foreground. (A user may
 * set WG_PROCESS_FOREGROUND, which says what is wanted.)
 */
export const DAEMON_MARKER = "WASMGUARD_DAEMON";
/** Set beside it where a service manager is to be told: the number of a socket that is connected to it. */
export const SERVICE_MARKER = "WASMGUARD_SERVICE_FD";
/** "leashed": in the foreground, but the child of a shell that ends it (launch/leash.ts). */
export type DaemonPlace = "background" | "foreground" | "leashed";
/** A line on stdout of a daemon in the background when all is well; one before it that is no warning is an error. */
export const READY_LINE = "ready";
/** What a line starts with that the user should see although the daemon starts. */
export const WARNING = "warning: ";
