/** `up` and `down`: arguments, and what must be there before anything is touched. */

import { wipeSettings } from "../../config/settings.ts";
import { CliError, UsageError } from "../errors.ts";
import { takeDown } from "./down.ts";
import { type ConfigFile, readConfigFile } from "./file.ts";
import { hasProgram } from "./shell.ts";
import { bringUp } from "./up.ts";

function prepare(command: string, args: readonly string[]): ConfigFile {
  const [file, extra] = args;
  if (file === undefined || extra !== undefined) {
    throw new UsageError(`${command} takes one file or name`, `Try: wasmguard ${command} ./wg0.conf`);
  }
  if (process.getuid?.() !== 0) {
    throw new CliError(`${command} must be run as root`, `Try: sudo wasmguard ${command} ${file}`);
  }
  if (!hasProgram("ip")) throw new CliError("there is no program `ip'", "Install iproute2");
  return readConfigFile(file);
}

export async function up(args: readonly string[]): Promise<number> {
  await bringUp(prepare("up", args));
  return 0;
}

export async function down(args: readonly string[]): Promise<number> {
  const config = prepare("down", args);
  // Only the system's part is needed from here on.
  wipeSettings(config.settings);
  await takeDown(config);
  return 0;
}
