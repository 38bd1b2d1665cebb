/** Start the daemon behind a tunnel: this program, or the one that the environment names. */
import { selfCommand } from "../launch/command.ts";
import { run, runAs } from "./shell.ts";

/**
 * @param options of this program's daemon, which another need not know
 * @param interfaceName to ask for
 * @throws CliError
 */
export async function startDaemon(
  options: readonly string[],
  interfaceName: string,
  programs: { readonly run: typeof run; readonly runAs: typeof runAs } = { run, runAs },
): Promise<void> {
  const other = process.env.WG_QUICK_USERSPACE_IMPLEMENTATION;
  if (other) return programs.run([other, interfaceName]);
  // As a program of its own: whoever starts a daemon enters its sandbox, and hooks could do nothing there.
  const words = [...options, "--", interfaceName];
  const { program, args } = selfCommand(words);
  return programs.runAs(["wasmguard", ...options, interfaceName].join(" "), [program, ...args]);
}
