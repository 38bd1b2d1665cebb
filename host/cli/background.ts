/** What a daemon in the background and the process that started it agree on. */

/** Set for the child alone: tells a daemon in the background from WG_PROCESS_FOREGROUND=1 set by a user. */
export const DAEMON_MARKER = "WASMGUARD_BACKGROUND";
/** The child's first line on stdout when all is well; anything else there is an error. */
export const READY_LINE = "ready";
