/** What a daemon in the background tells whoever started it, until it is ready, and what becomes of it if it never is. */
import { READY_LINE, WARNING } from "../background.ts";
import { CliError } from "../command-errors.ts";
import type { LaunchRequest } from "./daemon.ts";

export const READY_TIMEOUT_MS = 20_000;
export const REPORT_BYTES_MAX = 4096;

export interface Outcome {
  /** What it has written. */
  readonly report: string;
  /** Why there is no more to wait for. */
  readonly end: "ready" | "closed" | "timeout";
}

/** Whether a report says that the daemon is ready. */
export function saysReady(report: string): boolean {
  return report.split("\n").includes(READY_LINE);
}

/**
 * Pass warnings on, and say why the daemon is not ready, if it is not.
 * @param child what can be done about it: `stop` and `howItEnded` say what came of it, for a message
 * @throws      CliError with the child's own words if it could not start
 */
export function judge(
  { report, end }: Outcome,
  request: Pick<LaunchRequest, "interfaceName" | "warn">,
  child: { stop(): string; howItEnded(): string },
): void {
  const lines = report.split("\n");
  for (const line of lines) if (line.startsWith(WARNING)) request.warn(line.slice(WARNING.length));
  if (end === "ready") return;
  const retry = `Look closer with: LOG_LEVEL=verbose wasmguard -f ${request.interfaceName}`;
  if (end === "timeout") {
    const outcome = child.stop();
    throw new CliError(
      `${request.interfaceName} was not ready within ${READY_TIMEOUT_MS / 1000} s and ${outcome}`,
      retry,
    );
  }
  const line = lines.find((text) => text !== "" && !text.startsWith(WARNING));
  if (line !== undefined) throw new CliError(line, "");
  throw new CliError(
    `the daemon for ${request.interfaceName} ended (${child.howItEnded()}) before it was ready`,
    retry,
  );
}
