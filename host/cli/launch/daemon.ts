/**
 * Readies this process to start the daemon, or to become it: what the daemon inherits is chosen here, and the sandbox that
 * its runtime starts in is entered. There is no way back: this process must end, or execute the daemon, soon.
 */
import { dirname } from "node:path";
import { enterSandbox } from "../../confine/sandbox.ts";
import { Steps } from "../../confine/steps.ts";
import { type ProgramStart, replaceProcess } from "../../ffi/execute.ts";
import { type Libc, openLibc } from "../../ffi/libc.ts";
import { connectServiceManager, SERVICE_MANAGER_VARIABLE } from "../../os/service-manager.ts";
import { runtime } from "../../platform.ts";
import { socketPath } from "../../uapi/socket-path.ts";
import { DAEMON_MARKER, type DaemonPlace, SERVICE_MARKER } from "../background.ts";
import type { StartRequest } from "../daemon-options.ts";
import { selfCommand } from "./command.ts";
import { inheritOnly } from "./descriptors.ts";
import { daemonEnvironment } from "./environment.ts";
import { needsLeash, onLeash } from "./leash.ts";
import { mustLeaveAtOnce } from "./leave.ts";

/** What must be known here; the daemon reads the rest from its command line. */
export interface LaunchRequest
  extends Pick<
    StartRequest,
    "interfaceName" | "tunFd" | "uapiFd" | "keepsLog" | "confinement" | "metrics" | "metricsToken" | "web"
  > {
  /** Tell the user something that keeps nobody from starting. */
  warn(message: string): void;
}

export interface Launch {
  readonly libc: Libc;
  readonly start: ProgramStart;
  /** Descriptors that the daemon inherits. */
  readonly inherited: readonly number[];
}

/** @param args  the command line to repeat  @throws CliError, ConfinementError, FfiUnavailableError */
export async function prepareLaunch(
  request: LaunchRequest,
  args: readonly string[],
  place: DaemonPlace,
): Promise<Launch> {
  const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
  const { program, args: words } = selfCommand(args);
  const service = serviceSocket(libc, request);
  const environment = {
    ...daemonEnvironment(process.env, runtime()),
    [DAEMON_MARKER]: place,
    ...(service !== undefined && { [SERVICE_MARKER]: String(service) }),
  };
  const inherited = [request.tunFd, request.uapiFd, service].filter((fd) => fd !== undefined);
  inheritOnly(libc, inherited);
  // Runtimes read configuration files where they are started.
  process.chdir("/");
  if (request.confinement !== undefined) {
    mustLeaveAtOnce(libc);
    sandbox(libc, request, new Steps(request.confinement.mayFail));
  }
  return { libc, start: { program, argv: [program, ...words], environment }, inherited };
}

/** Connected here: in the sandbox no abstract socket can be reached. */
function serviceSocket(libc: Libc, { warn }: LaunchRequest): number | undefined {
  const address = process.env[SERVICE_MANAGER_VARIABLE];
  if (!address) return undefined;
  try {
    return connectServiceManager(libc, address);
  } catch (error) {
    warn(`the service manager will not be told: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function sandbox(libc: Libc, { interfaceName, metrics, metricsToken, web }: LaunchRequest, steps: Steps): void {
  const sockets = [socketPath(interfaceName), ...(metrics?.kind === "unix" ? [metrics.path] : [])];
  const tcpServer = metrics?.kind === "port" || web !== undefined ? "yes" : "no";
  const files = metricsToken === undefined ? [] : [metricsToken];
  enterSandbox(libc, { socketDirectories: sockets.map((path) => dirname(path)), files, tcpServer }, steps);
  // What was allowed to fail, the daemon finds and logs.
  steps.verdict();
}

/** Become the daemon, in the foreground. Returns never. */
export async function becomeDaemon(request: LaunchRequest, args: readonly string[]): Promise<never> {
  const { libc, start, inherited } = await prepareLaunch(request, args, "foreground");
  const confined = request.confinement !== undefined;
  return replaceProcess(libc, confined && needsLeash(libc) ? onLeash(libc, start, inherited) : start);
}
