/**
 * What reaches into this process from outside before its first line ran: a debugger, a preload, a hook that the
 * environment, the command line or a file in the working directory asked the runtime for. A command that finds any starts
 * again without (restart.ts), before it touches a key.
 */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { runtime } from "../../platform.ts";
import { foreignFlags } from "./command.ts";
import { type Environment, isObeyed } from "./environment.ts";

/** Set for a program that was started again: what is still found then cannot be got rid of. */
export const RESTARTED = "WASMGUARD_RESTARTED";

/** Bun obeys them where it is started, and runs what the first one names. */
const BUN_FILES = [
  "bunfig.toml",
  ...["", ".local", ".production", ".development", ".test"].flatMap((kind) => [`.env${kind}`, `.env${kind}.local`]),
];

const STDERR = 2;

/** The runtime's flags stand for this one, and were looked at by themselves. */
const FLAG_VARIABLES = new Set(["NODE_OPTIONS", "BUN_OPTIONS"]);

/** @returns names of what was found, for a message; none when this process is ours alone */
export async function taints(environment: Environment = process.env): Promise<string[]> {
  const variables = Object.keys(environment).filter((name) => isObeyed(name) && !FLAG_VARIABLES.has(name));
  const found = [...variables, ...foreignFlags(environment)];
  if (runtime() === "bun" && !process.execArgv.includes("--no-env-file")) {
    found.push(...BUN_FILES.filter((name) => existsSync(name)));
  }
  if (await debuggerIsOpen()) found.push("a debugger");
  return found;
}

/** Bun has no way to ask; there it takes a flag or a variable to open one. */
export async function debuggerIsOpen(): Promise<boolean> {
  if (runtime() === "bun" || !mayListen()) return false;
  // The import, which also prepares what nobody asks for, takes 10 ms longer.
  const inspector = process.getBuiltinModule?.("node:inspector") ?? (await import("node:inspector"));
  return inspector.url() !== undefined;
}

/**
 * Whether this process may listen: it has a socket, be it one that it was given, beside its first three descriptors. Who asks for
 * the debugger makes the runtime load its streams and threads (3 ms), and without a socket there is none.
 */
function mayListen(): boolean {
  try {
    return readdirSync("/proc/self/fd").some((fd) => Number(fd) > STDERR && isSocket(fd));
  } catch {
    return true;
  }
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  } catch {
    return false; // the directory itself, by now closed
  }
}
