/**
 * Hooks on Windows. A configuration often comes from somebody else, and who brings it up is an administrator: as WireGuard for Windows, which
 * runs hooks only where a value in the registry says so, nothing runs unless the command line does. Then cmd.exe runs them, as there.
 */
import { UsageError } from "../../command-errors.ts";
import { runShell } from "../shell.ts";
import type { Tunnel } from "../system.ts";

/** "refuse": a configuration that has any. */
export type HookPolicy = "run" | "skip" | "refuse";

/** @throws UsageError */
export function hookPolicy(text: string | undefined): HookPolicy {
  if (text === undefined) return "refuse";
  if (text === "run" || text === "skip") return text;
  throw new UsageError(`--hooks is neither run nor skip: ${JSON.stringify(text)}`);
}

/** @param folder of the system: COMSPEC is the user's own to set, and hooks have an administrator's rights @returns why it failed; undefined if it did not @throws CliError if a signal came */
export function runByCmd(
  script: string,
  { config, interfaceName }: Tunnel,
  folder: string,
): Promise<string | undefined> {
  const shell = `${folder}\\cmd.exe`;
  const variables = {
    ...{ INTERFACE: interfaceName, WIREGUARD_TUNNEL_NAME: interfaceName, CONFIG_FILE: config.path },
    // For those that it starts itself, as for a pipe.
    COMSPEC: shell,
  };
  // Its own rules for quotes, and none of the runtime's.
  return runShell([shell, "/d", "/s", "/c", `"${script}"`], { variables, quoting: "none" });
}
