/**
 * The long-running part of `wasmguard NAME`: TUN device, UDP sockets, UAPI socket and the engine between them.
 */
export type LogLevel = "silent" | "error" | "verbose";

export interface DaemonOptions {
  interfaceName: string;
  /** An open TUN device that another program made; without it one is created. */
  tunFd?: number | undefined;
  /** A listening UAPI socket that another program made; without it one is created. */
  uapiFd?: number | undefined;
  logLevel: LogLevel;
  /** The device exists and the socket answers. Called once. */
  onReady(): void;
  /** Aborted: end cleanly, remove the socket, resolve. */
  signal: AbortSignal;
  log(level: "error" | "verbose", message: string): void;
}

/** Runs until the signal, the loss of the socket or the loss of the interface. Rejects if it cannot start. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  throw new Error(`cannot start ${options.interfaceName}: this build has no daemon`);
}
