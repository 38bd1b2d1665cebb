/** What all services of one proxy process share. */
import type { Duplex } from "node:stream";
import type { UsersOf } from "./client.ts";
import type { Connection, Connections } from "./connections.ts";
import { type RelayReport, relay } from "./relay.ts";
import { describeTarget, type Target, type Way } from "./way.ts";

export interface Context {
  readonly way: Way;
  readonly connections: Connections;
  /** How long a client may take to say what it wants. */
  readonly requestMs: number;
  /** How long to wait for a connection to the target. */
  readonly connectMs: number;
  /** Whose a client's socket on this machine is; undefined where the system does not tell. */
  readonly users?: UsersOf | undefined;
  /** A line for the log, of who went where; told only if the user asked for it. */
  log(line: string): void;
}

class ConnectTimeoutError extends Error {
  override readonly name = "ConnectTimeoutError";
  readonly code = "ETIMEDOUT";
  constructor(target: Target) {
    super(`connect ETIMEDOUT ${describeTarget(target)}`);
  }
}

/** Connect within the time that the context allows, and no longer than the client waits, where there is one. */
export function connectWithin(context: Context, target: Target, client?: Duplex): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const far = context.way.connect(target);
    const timer = setTimeout(() => far.destroy(new ConnectTimeoutError(target)), context.connectMs);
    const gone = (): void => void far.destroy(new Error("the client went away"));
    const over = (): void => {
      clearTimeout(timer);
      client?.off("close", gone);
    };
    client?.once("close", gone);
    if (client?.destroyed) gone();
    far.once("connect", () => {
      over();
      resolve(far);
    });
    far.on("error", (error) => {
      over();
      reject(error);
    });
  });
}

/** Relay until both have ended, with one line in the log. */
export async function carry(
  context: Context,
  { connection, near, far, label }: { connection: Connection; near: Duplex; far: Duplex; label: string },
): Promise<RelayReport> {
  connection.join(far);
  connection.active();
  const report = await relay(near, far, () => connection.active());
  const how = report.error instanceof Error ? `: ${report.error.message}` : "";
  context.log(`${label}: ${report.sent} bytes out, ${report.received} in${how}`);
  return report;
}
