/**
 * `wasmguard [OPTIONS] NAME`. In the background (the default) the same program is started again as the daemon;
 * the parent waits until the device and the socket exist. In the foreground this process becomes it. Either way the
 * runtime is started once more for the daemon, without anything that the caller's environment asks of it, and on Linux in a sandbox.
 */
import { obstacle } from "../core/support.ts";
import { UnsupportedRuntimeError } from "../errors.ts";
import { daemonStart } from "../os/systems.ts";
import { SOCKET_FOLDER_VARIABLE } from "../uapi/socket-path.ts";
import { DAEMON_MARKER, SERVICE_MARKER } from "./background.ts";
import { logLevelOf, startRequest } from "./daemon-options.ts";
import { checkOwnLimits } from "./limits.ts";
import { DAEMON_OPTIONS, parseOptions, TEST_OPTIONS } from "./option-table.ts";
import { complain, print } from "./print.ts";

const STDIN = 0;

function warn(message: string): void {
  if (logLevelOf(process.env) !== "silent") complain(`wasmguard: ${message}\n`);
}

/** A daemon in the background takes the place of the process that the service manager has started. */
function serviceOf(socket: string, place: string | undefined): { socket: number; readyLines: string } {
  const self = place === "background" ? `MAINPID=${process.pid}\n` : "";
  return { socket: Number(socket), readyLines: `${self}READY=1` };
}

/** @param args  all arguments of the command line. @returns the exit code */
export async function start(args: readonly string[]): Promise<number> {
  const { values, operands } = parseOptions({ ...DAEMON_OPTIONS, ...TEST_OPTIONS }, args);
  if (values.help) {
    print((await import("./help.ts")).mainHelp());
    return 0;
  }
  if (values.version) {
    const { versionLine } = await import("./version.ts");
    print(`${versionLine()}\n`);
    return 0;
  }
  // Whoever looks for sockets, in this process or in another that this one starts, looks there.
  if (values["socket-dir"] !== undefined) process.env[SOCKET_FOLDER_VARIABLE] = values["socket-dir"];
  const request = startRequest(operands, values, process.env);
  const starts = daemonStart();
  const missing = obstacle();
  if (missing !== undefined) throw new UnsupportedRuntimeError(missing);
  checkOwnLimits();
  const place = process.env[DAEMON_MARKER];
  const service = process.env[SERVICE_MARKER];
  for (const marker of [DAEMON_MARKER, SERVICE_MARKER]) delete process.env[marker];
  const told = service === undefined ? request : { ...request, service: serviceOf(service, place) };
  if (place === "background") return (await import("./run-daemon.ts")).runInBackground(told);
  if (place === "foreground") return (await import("./run-daemon.ts")).runInForeground(told);
  if (place === "leashed") return (await import("./run-daemon.ts")).runInForeground({ ...told, leash: STDIN });
  if (starts === "here") return (await import("./run-daemon.ts")).runInForeground(request);
  if (starts === "beside") {
    if (request.foreground) return (await import("./run-daemon.ts")).runInForeground(request);
    await (await import("./launch/beside.ts")).spawnBeside({ ...request, warn }, args);
    return 0;
  }
  if (request.foreground) return (await import("./launch/daemon.ts")).becomeDaemon({ ...request, warn }, args);
  await (await import("./spawn-daemon.ts")).spawnDaemon({ ...request, warn }, args);
  return 0;
}
