/**
 * Starts the daemon in the background where there is no sandbox for it to start in: a process of its own by the runtime's own means, clean as
 * far as the runtime lets it be, at the root of the file system, without a terminal.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { runtime } from "../../platform.ts";
import { DAEMON_MARKER } from "../background.ts";
import { selfCommand } from "./command.ts";
import type { LaunchRequest } from "./daemon.ts";
import { daemonEnvironment } from "./environment.ts";
import { judge, type Outcome, READY_TIMEOUT_MS, REPORT_BYTES_MAX, saysReady } from "./report.ts";

/**
 * @param args  the command line to repeat
 * @throws      CliError with the child's own words if it could not start; no process is left then
 */
export async function spawnBeside(
  request: Pick<LaunchRequest, "interfaceName" | "keepsLog" | "tunFd" | "uapiFd" | "warn">,
  args: readonly string[],
): Promise<void> {
  const { program, args: words } = selfCommand(args);
  const child = spawn(program, words, {
    detached: true,
    windowsHide: true,
    cwd: "/",
    stdio: descriptors(request),
    env: { ...daemonEnvironment(process.env, runtime()), [DAEMON_MARKER]: "background" },
  });
  const outcome = await waitForReport(child);
  child.unref();
  child.stdout?.destroy();
  judge(outcome, request, {
    stop: () => (child.kill("SIGKILL") ? "was stopped" : `could not be stopped (process ${child.pid})`),
    howItEnded: () => child.signalCode ?? `exit code ${child.exitCode}`,
  });
}

/** Those that it is to take over keep their numbers. */
function descriptors({ keepsLog, tunFd, uapiFd }: Pick<LaunchRequest, "keepsLog" | "tunFd" | "uapiFd">): StdioOptions {
  const list: (number | "ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", keepsLog ? "inherit" : "ignore"];
  for (const fd of [tunFd, uapiFd]) {
    if (fd === undefined) continue;
    while (list.length < fd) list.push("ignore");
    list[fd] = fd;
  }
  return list;
}

/** Until it is ready, has ended, or the time is over. */
function waitForReport(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let report = "";
    const finish = (end: Outcome["end"]): void => {
      clearTimeout(timeout);
      resolve({ report, end });
    };
    const timeout = setTimeout(() => finish("timeout"), READY_TIMEOUT_MS);
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (text: string) => {
      if (report.length < REPORT_BYTES_MAX) report += text;
      if (saysReady(report)) finish("ready");
    });
    child.on("close", () => finish("closed"));
    child.on("error", (error) => {
      clearTimeout(timeout);
      reject(error);
    });
  });
}
