/**
 * `wasmguard [OPTIONS] NAME`. In the background (the default) the same program is started again as the daemon;
 * the parent waits until the device and the socket exist. In the foreground this process is the daemon.
 */

import { DAEMON_MARKER } from "./background.ts";
import { startRequest } from "./daemon-options.ts";
import { DAEMON_OPTIONS, parseOptions } from "./options.ts";
import { print } from "./print.ts";

/** @param args  all arguments of the command line. @returns the exit code */
export async function start(args: readonly string[]): Promise<number> {
  const { values, operands } = parseOptions(DAEMON_OPTIONS, args);
  if (values.help) {
    print((await import("./help.ts")).mainHelp());
    return 0;
  }
  if (values.version) {
    const { versionLine } = await import("./version.ts");
    print(`${versionLine()}\n`);
    return 0;
  }
  const request = startRequest(operands, values, process.env);
  if (process.env[DAEMON_MARKER] === "1") return (await import("./run-daemon.ts")).runInBackground(request);
  if (request.foreground) return (await import("./run-daemon.ts")).runInForeground(request);
  await (await import("./spawn-daemon.ts")).spawnDaemon(request, args);
  return 0;
}
