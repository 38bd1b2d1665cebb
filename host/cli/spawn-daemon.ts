/**
 * Starts the daemon as a process of its own and waits until it is ready.
 * The child's stdout is a pipe to this process: one line "ready", or the error that kept it from starting. The
 * daemon writes nothing to it afterwards, so the pipe may end with this process. Its stderr is what it stays.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { runtime } from "../io/platform.ts";
import { DAEMON_MARKER, READY_LINE } from "./background.ts";
import type { StartRequest } from "./daemon-options.ts";
import { CliError } from "./errors.ts";

/** What this process must know of the start; the child reads the rest from its command line. */
export type SpawnRequest = Pick<StartRequest, "interfaceName" | "tunFd" | "uapiFd" | "keepsLog">;

const READY_TIMEOUT_MS = 20_000;
const REPORT_BYTES_MAX = 4096;

/** The command line that runs this very program again, in this runtime. */
export function selfCommand(args: readonly string[]): { program: string; args: string[] } {
  const script = process.argv[1];
  if (script === undefined)
    throw new CliError("cannot tell which script is running", "Start it with: wasmguard -f NAME");
  // Deno wants its subcommand and permissions again; Node and Bun keep their own flags in execArgv.
  const before = runtime() === "deno" ? ["run", "--allow-all", "--quiet"] : process.execArgv;
  return { program: process.execPath, args: [...before, script, ...args] };
}

/**
 * What the child's descriptors are. Those it inherits keep their numbers: Deno's spawn closes or loses a descriptor
 * that is to get another one.
 */
function childDescriptors({ keepsLog, tunFd, uapiFd }: SpawnRequest): StdioOptions {
  // Nothing in the background may keep a terminal or a caller's pipe open, unless a log was asked for.
  const descriptors: (number | "ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", keepsLog ? "inherit" : "ignore"];
  for (const inherited of [tunFd, uapiFd]) {
    if (inherited === undefined) continue;
    if (!existsSync(`/dev/fd/${inherited}`)) {
      throw new CliError(`descriptor ${inherited} is not open`, "Check --tun-fd, --uapi-fd, WG_TUN_FD and WG_UAPI_FD");
    }
    while (descriptors.length < inherited) descriptors.push("ignore");
    descriptors[inherited] = inherited;
  }
  return descriptors;
}

interface Outcome {
  report: string;
  /** Why there is no more to wait for. */
  end: "ready" | "closed" | "timeout";
}

/** Collect the child's report until it is ready, has closed its stdout, or the time is over. */
function waitForReport(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let report = "";
    const finish = (end: Outcome["end"]): void => {
      clearTimeout(timer);
      resolve({ report, end });
    };
    const timer = setTimeout(() => finish("timeout"), READY_TIMEOUT_MS);
    child.once("error", (cause) => {
      clearTimeout(timer);
      reject(new CliError(`cannot start ${process.execPath}: ${cause.message}`, "Start it with: wasmguard -f NAME"));
    });
    child.stdout!.setEncoding("utf8");
    child.stdout!.on("data", (text: string) => {
      if (report.length < REPORT_BYTES_MAX) report += text;
      if (report.split("\n").includes(READY_LINE)) finish("ready");
    });
    child.once("close", () => finish("closed"));
  });
}

/**
 * @param args  the command line to repeat: options and the interface name
 * @throws      CliError with the child's own words if it could not start; no process is left then
 */
export async function spawnDaemon(request: SpawnRequest, args: readonly string[]): Promise<void> {
  const self = selfCommand(args);
  const child = spawn(self.program, self.args, {
    detached: true,
    stdio: childDescriptors(request),
    env: { ...process.env, [DAEMON_MARKER]: "1" },
    cwd: "/",
  });
  const { report, end } = await waitForReport(child);
  child.stdout!.destroy();
  child.unref();
  if (end === "ready") return;
  const retry = `Look closer with: LOG_LEVEL=verbose wasmguard -f ${request.interfaceName}`;
  if (end === "timeout") {
    child.kill("SIGKILL");
    throw new CliError(
      `${request.interfaceName} was not ready within ${READY_TIMEOUT_MS / 1000} s and was stopped`,
      retry,
    );
  }
  const [line] = report.split("\n").filter((text) => text !== "");
  if (line !== undefined) throw new CliError(line, "");
  const how = child.signalCode ?? `exit code ${child.exitCode}`;
  throw new CliError(`the daemon for ${request.interfaceName} ended (${how}) before it was ready`, retry);
}
