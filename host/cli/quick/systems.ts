/** The systems that `up`, `down` and `save` know: a folder and a line each. */
import { daemonStart } from "../../os/systems.ts";
import { platform } from "../../platform.ts";
import { CliError } from "../command-errors.ts";
import type { QuickSystem } from "./system.ts";

const SYSTEMS: Readonly<Record<string, () => Promise<QuickSystem>>> = {
  linux: async () => new (await import("./linux/system.ts")).LinuxQuick(),
  darwin: async () => new (await import("./macos/system.ts")).MacosQuick(),
};

/** @throws PlatformError, CliError */
export async function quickSystem(command: string): Promise<QuickSystem> {
  // Where there can be no daemon at all it says so.
  daemonStart();
  const load = Object.hasOwn(SYSTEMS, platform()) ? SYSTEMS[platform()] : undefined;
  if (load !== undefined) return load();
  throw new CliError(
    `${command} is not there on this system yet`,
    "Start the daemon by its name, configure it with `wg setconf`, and set addresses and routes with the system's own programs",
  );
}

/** The process that `up` leaves in the background on macOS. @param args  the configuration's name */
export async function follow(args: readonly string[]): Promise<number> {
  return (await import("./macos/follow.ts")).follow(args);
}
