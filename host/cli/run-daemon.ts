/**
 * This process is the daemon: signals, the log and the report to whoever waits for readiness.
 * Exit codes as wireguard-go: 0 after a signal or the loss of socket or interface, 1 if it could not start.
 */
import { type DaemonOptions, runDaemon } from "../io/daemon.ts";
import { READY_LINE } from "./background.ts";
import type { StartRequest } from "./daemon-options.ts";
import { describeError } from "./errors.ts";

const LABELS = { error: "ERROR", verbose: "DEBUG" } as const;

/** Lines as wireguard-go writes them: `DEBUG: (wg0) 2025/01/31 13:37:00 text`. */
function logger(request: StartRequest): DaemonOptions["log"] {
  const { logLevel, interfaceName } = request;
  return (level, message) => {
    if (logLevel === "silent" || (level === "verbose" && logLevel !== "verbose")) return;
    const time = new Date().toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");
    process.stderr.write(`${LABELS[level]}: (${interfaceName}) ${time} ${message}\n`);
  };
}

/** Run until the end; SIGINT and SIGTERM end it cleanly, a second one at once. */
async function runUntilStopped(request: StartRequest, onReady: () => void): Promise<void> {
  const stopped = new AbortController();
  const stop = (): void => {
    if (stopped.signal.aborted) process.exit(1);
    stopped.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const { interfaceName, tunFd, uapiFd, logLevel, offloads, metrics, metricsToken } = request;
  const { nice, packetMemory, busyPoll, confinement, threads } = request;
  try {
    await runDaemon({
      interfaceName,
      tunFd,
      uapiFd,
      logLevel,
      offloads,
      metrics,
      metricsToken,
      nice,
      packetMemory,
      busyPoll,
      confinement,
      threads,
      onReady,
      signal: stopped.signal,
      log: logger(request),
    });
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/** @returns the exit code; an error is left to the caller to print */
export async function runInForeground(request: StartRequest): Promise<number> {
  await runUntilStopped(request, () => {});
  return 0;
}

/** As the child of spawn-daemon.ts: what happens until readiness is told on stdout. */
export async function runInBackground(request: StartRequest): Promise<number> {
  // The reader leaves once it knows; a stray write after that must not end the daemon.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  let ready = false;
  try {
    await runUntilStopped(request, () => {
      ready = true;
      process.stdout.write(`${READY_LINE}\n`);
    });
    return 0;
  } catch (error) {
    const line = `${describeError(error)}\n`;
    if (ready) process.stderr.write(`wasmguard: ${line}`);
    else process.stdout.write(line);
    return 1;
  }
}
