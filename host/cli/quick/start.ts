/** Start the daemon behind a tunnel: this program, or the one that the environment names. */
import { selfCommand } from "../launch/command.ts";
import { run, runAs } from "./shell.ts";

/** The program that is to be the daemon in place of this one. */
export function otherImplementation(): string | undefined {
  return process.env.WG_QUICK_USERSPACE_IMPLEMENTATION || undefined;
}

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
  const other = otherImplementation();
  if (other !== undefined) return programs.run([other, interfaceName]);
  // As a program of its own: whoever starts a daemon enters its sandbox, and hooks could do nothing there.
  const words = [...options, "--", interfaceName];
  const { program, args } = selfCommand(words);
  return programs.runAs(["wasmguard", ...options, interfaceName].join(" "), [program, ...args]);
}
