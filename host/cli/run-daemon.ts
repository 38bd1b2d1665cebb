/**
 * This process is the daemon: signals, the log and the report to whoever waits for readiness.
 * Exit codes as wireguard-go: 0 after a signal or the loss of socket or interface, 1 if it could not start.
 */
import { runDaemon } from "../daemon/daemon.ts";
import { endingSignals } from "../platform.ts";
import { READY_LINE, WARNING } from "./background.ts";
import { describeError } from "./command-errors.ts";
import type { StartRequest } from "./daemon-options.ts";
import { DaemonLog } from "./log.ts";
import { complain, print, printPrecious } from "./print.ts";

/** Tells a message to whoever waits for the daemon; the log takes it where this is not the place. @returns whether it did */
type Warn = (level: "error" | "verbose", message: string) => boolean;

/** Who asks so twice does not want to wait. */
const URGENT = endingSignals().filter((signal) => signal !== "SIGHUP");

/** Run until the end; a signal that asks for it ends it cleanly, a second one at once, unless one of the two was SIGHUP. */
async function runUntilStopped(request: StartRequest, warn: Warn, onReady: (end: () => void) => void): Promise<void> {
  const stopped = new AbortController();
  let asked = false;
  const stop = (): void => {
    if (asked) process.exit(1);
    asked = true;
    stopped.abort();
  };
  for (const signal of URGENT) process.on(signal, stop);
  // Of a terminal that closes both the shell and the kernel tell, and systemd may tell beside SIGTERM (SendSIGHUP=): nobody is impatient.
  // The handler stays when the daemon is through, lest another SIGHUP kill the process before it exits; while Node tears itself
  // down there is none any more.
  process.on("SIGHUP", () => stopped.abort());
  const { foreground: _, keepsLog: __, ...options } = request;
  const log = new DaemonLog(options.interfaceName, options.logLevel);
  try {
    await runDaemon({
      ...options,
      onReady: () => onReady(() => stopped.abort()),
      signal: stopped.signal,
      log: (level, message) => {
        if (!warn(level, message)) log.write(level, message);
      },
      onLogRoom: (hasRoom) => log.watchRoom(hasRoom),
    });
  } finally {
    for (const signal of URGENT) process.off(signal, stop);
  }
}

/** @returns the exit code; an error is left to the caller to print */
export async function runInForeground(request: StartRequest): Promise<number> {
  await runUntilStopped(
    request,
    () => false,
    () => {},
  );
  return 0;
}

/** As the child of spawn-daemon.ts: what happens until readiness is told on stdout. */
export async function runInBackground(request: StartRequest): Promise<number> {
  let ready = false;
  // Without a log, what goes wrong at the start is told by the process that waits for it.
  const warn: Warn = (level, message) => {
    if (ready || level !== "error" || request.keepsLog) return false;
    print(`${WARNING}${message}\n`);
    return true;
  };
  try {
    await runUntilStopped(request, warn, (end) => {
      ready = true;
      try {
        printPrecious(Buffer.from(`${READY_LINE}\n`));
      } catch {
        // Who waited for it was ended meanwhile, and whoever ended that takes this tunnel for one that was not started.
        end();
      }
    });
    return 0;
  } catch (error) {
    const line = `${describeError(error)}\n`;
    if (ready) complain(`wasmguard: ${line}`);
    else print(line);
    return 1;
  }
}
