/**
 * Hooks, as wg-quick evaluates them: each in a bash of its own, in which the first command that fails ends it, with %i replaced by
 * the interface's name, and with $INTERFACE and $CONFIG_FILE. (wg-quick does not export these two; here programs see them too.)
 * A hook is bytes, as a path is: what is not UTF-8 reaches the shell in octal.
 */
import { encodeRawText, isUnicode } from "../../config/raw-text.ts";
import { CliError } from "../command-errors.ts";
import { echo, hasProgram, runShell } from "./shell.ts";
import type { QuickSystem, Tunnel } from "./system.ts";

const BASH = ["bash", "-e", "-o", "pipefail", "-O", "extglob", "-c"];
const SH = ["sh", "-e", "-c"];

/** A word of the shell that stands for exactly this text, byte by byte. */
export function shellWord(raw: string): string {
  if (isUnicode(raw)) return `'${raw.replaceAll("'", "'\\''")}'`;
  const octal = Array.from(encodeRawText(raw), (byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join("");
  return `"$(printf '%b' '${octal}')"`;
}

function scriptOf(hook: string, { config, interfaceName }: Tunnel): string {
  const variables = `export INTERFACE=${shellWord(interfaceName)} CONFIG_FILE=${shellWord(config.path)}`;
  return `${variables}; eval ${shellWord(hook)}`;
}

function runInShell(script: string, tunnel: Tunnel): Promise<string | undefined> {
  const shell = hasProgram("bash") ? BASH : SH;
  return runShell([...shell, scriptOf(script, tunnel)]);
}

/** @throws CliError at the first that fails */
export async function runHooks(system: QuickSystem, hooks: readonly string[], tunnel: Tunnel): Promise<void> {
  for (const hook of hooks) {
    const script = hook.replaceAll("%i", tunnel.interfaceName);
    echo(script);
    const failure = await (system.runHook?.(script, tunnel) ?? runInShell(script, tunnel));
    if (failure !== undefined) throw new CliError(`the hook \`${script}' failed (${failure})`, "Correct it");
  }
}
