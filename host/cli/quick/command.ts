/** `up`, `down`, `save` and `strip`: arguments, and what must be there before anything is touched. */
import { readFileSync } from "node:fs";
import { hasProcessFiles } from "../../platform.ts";
import { CliError, exitCodeOf, UsageError } from "../command-errors.ts";
import { parseOptions, WINDOWS_QUICK_OPTIONS } from "../option-table.ts";
import { complainOf, printPrecious } from "../print.ts";
import { notUp, runningTunnel, takeDown } from "./down.ts";
import { type ConfigFile, openConfigFile, rawArguments } from "./file.ts";
import { forbidDumps } from "./process.ts";
import { saveConfig } from "./save.ts";
import { takeServiceAddress, tellTunnelIsUp } from "./service.ts";
import { wasInterrupted } from "./shell.ts";
import { strip as stripped } from "./strip.ts";
import type { QuickSystem } from "./system.ts";
import { quickSystem } from "./systems.ts";
import { bringUp } from "./up.ts";

interface Request {
  /** The file, as given. */
  readonly argument: string;
  open(): Promise<ConfigFile>;
}

function openFile(command: string, [file, extra]: readonly string[]): Request {
  if (file === undefined || extra !== undefined) {
    throw new UsageError(`${command} takes one file or name`, `Try: wasmguard ${command} ./wg0.conf`);
  }
  return {
    argument: file,
    async open() {
      await forbidDumps();
      return openConfigFile(file);
    },
  };
}

/** Without /proc nothing tells more than the runtime does. */
const withoutLoss = (args: readonly string[]): readonly string[] =>
  hasProcessFiles() ? rawArguments(args, () => readFileSync("/proc/self/cmdline")) : args;

/** What the command does with a configuration, on a system that has all it takes. */
async function onSystem(
  command: string,
  args: readonly string[],
  act: (system: QuickSystem, config: ConfigFile) => Promise<void>,
): Promise<number> {
  const { values, operands } = parseOptions(WINDOWS_QUICK_OPTIONS, withoutLoss(args));
  const { argument, open } = openFile(command, operands);
  const system = await quickSystem(command, values);
  system.require(command, argument);
  const config = await open();
  try {
    await act(system, config);
    return 0;
  } finally {
    config.close();
  }
}

export function up(args: readonly string[]): Promise<number> {
  const service = takeServiceAddress();
  return onSystem("up", args, async (system, config) => {
    if (config.isEmpty) {
      throw new CliError(`${config.path} holds no configuration`, "It needs an [Interface] section, with a PrivateKey");
    }
    try {
      const { interfaceName } = await bringUp(system, config);
      if (service !== undefined) await tellTunnelIsUp(service, interfaceName);
    } catch (error) {
      if (!wasInterrupted(error)) throw error;
      complainOf(error);
      // The resolver may hold on to a name for as long as it likes.
      process.exit(exitCodeOf(error));
    }
  });
}

export function down(args: readonly string[]): Promise<number> {
  return onSystem("down", args, takeDown);
}

export function save(args: readonly string[]): Promise<number> {
  return onSystem("save", args, async (system, config) => {
    const tunnel = await runningTunnel(system, config);
    if (tunnel === undefined) throw notUp(config);
    await saveConfig(system, tunnel);
  });
}

export async function strip(args: readonly string[]): Promise<number> {
  const config = await openFile("strip", withoutLoss(args)).open();
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
