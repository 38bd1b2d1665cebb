/** How a tunnel's service is called, and where the log of events looks its source up. */

/** One for each tunnel. It is the source of its events, too. */
export function serviceName(tunnel: string): string {
  return `wasmguard-${tunnel}`;
}

/** Below HKEY_LOCAL_MACHINE. */
export function eventSourceKey(tunnel: string): string {
  return `SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\${serviceName(tunnel)}`;
}
