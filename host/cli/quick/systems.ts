/** The systems that `up`, `down` and `save` know: a folder and a line each. */
import { daemonStart } from "../../os/systems.ts";
import { platform } from "../../platform.ts";
import { CliError, UsageError } from "../command-errors.ts";
import type { OptionValues, WINDOWS_QUICK_OPTIONS } from "../option-table.ts";
import type { QuickSystem } from "./system.ts";

type Options = OptionValues<typeof WINDOWS_QUICK_OPTIONS>;

const SYSTEMS: Readonly<Record<string, (options: Options) => Promise<QuickSystem>>> = {
  linux: async () => new (await import("./linux/system.ts")).LinuxQuick(),
  darwin: async () => {
    (await import("./macos/programs.ts")).preferSystemPrograms();
    return new (await import("./macos/system.ts")).MacosQuick();
  },
  win32: async (options) => (await import("./windows/system.ts")).WindowsQuick.open(options),
};

/** @param options of Windows @throws PlatformError, CliError, UsageError */
export async function quickSystem(command: string, options: Options): Promise<QuickSystem> {
  // Where there can be no daemon at all it says so.
  daemonStart();
  const load = Object.hasOwn(SYSTEMS, platform()) ? SYSTEMS[platform()] : undefined;
  const [option] = Object.keys(options);
  if (option !== undefined && platform() !== "win32") throw new UsageError(`--${option} is there on Windows alone`);
  if (load !== undefined) return load(options);
  throw new CliError(
    `${command} is not there on this system yet`,
    "Start the daemon by its name, configure it with `wg setconf`, and set addresses and routes with the system's own programs",
  );
}

/** The process that `up` leaves in the background on macOS. @param args  the configuration's name */
export async function follow(args: readonly string[]): Promise<number> {
  return (await import("./macos/follow.ts")).follow(args);
}
