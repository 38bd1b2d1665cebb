/** `up`, `down`, `save` and `strip`: arguments, and what must be there before anything is touched. */
import { readFileSync } from "node:fs";
import { daemonStart } from "../../os/systems.ts";
import { isTunnelUp } from "../../uapi/client.ts";
import { CliError, exitCodeOf, UsageError } from "../command-errors.ts";
import { complainOf, printPrecious } from "../print.ts";
import { takeDown } from "./down.ts";
import { type ConfigFile, openConfigFile, rawArguments } from "./file.ts";
import { forbidDumps } from "./process.ts";
import { saveConfig } from "./save.ts";
import { hasProgram, wasInterrupted } from "./shell.ts";
import { strip as stripped } from "./strip.ts";
import { bringUp } from "./up.ts";

type Right = "as root" | "as anyone";

async function prepare(command: string, args: readonly string[], right: Right): Promise<ConfigFile> {
  const [file, extra] = rawArguments(args, () => readFileSync("/proc/self/cmdline"));
  if (file === undefined || extra !== undefined) {
    throw new UsageError(`${command} takes one file or name`, `Try: wasmguard ${command} ./wg0.conf`);
  }
  if (right === "as root") {
    if (daemonStart() !== "anew") {
      throw new CliError(
        `${command} is not there on this system yet`,
        "Start the daemon by its name, configure it with `wg setconf`, and set addresses and routes with the system's own programs",
      );
    }
    if (process.getuid?.() !== 0) {
      throw new CliError(`${command} must be run as root`, `Try: sudo wasmguard ${command} ${file}`);
    }
    if (!hasProgram("ip")) throw new CliError("there is no program `ip'", "Install iproute2");
  }
  await forbidDumps();
  return openConfigFile(file);
}

export async function up(args: readonly string[]): Promise<number> {
  const config = await prepare("up", args, "as root");
  try {
    if (config.isEmpty) {
      throw new CliError(`${config.path} holds no configuration`, "It needs an [Interface] section, with a PrivateKey");
    }
    await bringUp(config);
    return 0;
  } catch (error) {
    if (!wasInterrupted(error)) throw error;
    complainOf(error);
    // The resolver may hold on to a name for as long as it likes.
    process.exit(exitCodeOf(error));
  } finally {
    config.close();
  }
}

export async function down(args: readonly string[]): Promise<number> {
  const config = await prepare("down", args, "as root");
  try {
    await takeDown(config);
    return 0;
  } finally {
    config.close();
  }
}

export async function save(args: readonly string[]): Promise<number> {
  const config = await prepare("save", args, "as root");
  try {
    if (!(await isTunnelUp(config.interfaceName))) {
      throw new CliError(
        `${config.interfaceName} is not a WireGuard interface that is up`,
        "See: wasmguard show interfaces",
      );
    }
    await saveConfig(config);
    return 0;
  } finally {
    config.close();
  }
}

export async function strip(args: readonly string[]): Promise<number> {
  const config = await prepare("strip", args, "as anyone");
  const file = config.bytes();
  const output = stripped(file);
  try {
    printPrecious(output);
    return 0;
  } finally {
    file.fill(0);
    output.fill(0);
    config.close();
  }
}
