/**
 * The command line that runs this very program again, in this runtime, with nothing that anybody else may have put into it:
 * no debugger, preload, profile or report; no configuration file that happens to lie about.
 */
import { readFileSync } from "node:fs";
import { devNull } from "node:os";
import { hasProcessFiles, runtime } from "../../platform.ts";
import { CliError } from "../command-errors.ts";
import type { Environment } from "./environment.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Flags that change how much memory is used, what is warned of, and which sources can run; without their values. */
const KEPT_FLAGS = new Set([
  "--max-old-space-size",
  "--max-semi-space-size",
  "--max-heap-size",
  "--stack-size",
  "--v8-pool-size",
  "--lite-mode",
  "--expose-gc",
  "--jitless",
  "--smol",
  "--no-warnings",
  "--no-deprecation",
  "--disable-warning",
  "--experimental-strip-types",
  "--experimental-transform-types",
  "--experimental-ffi",
  "--permission",
  "--experimental-permission",
  "--allow-ffi",
  "--allow-addons",
  "--allow-worker",
  "--allow-child-process",
  "--allow-fs-read",
  "--allow-fs-write",
  "--allow-net",
  "--allow-wasi",
]);

function isKept(flag: string): boolean {
  return KEPT_FLAGS.has((flag.split("=")[0] ?? "").replaceAll("_", "-"));
}

/** Deno hides its flags from the program. None is kept; these say nothing of what else runs in the process. */
const HARMLESS_IN_DENO = /^(?:run|-A|-q|--quiet|--cached-only|--node-modules-dir.*|--(?:allow|deny|no|unstable)-.*)$/;

function denoFlags(): string[] {
  // Nothing shows them there. A debugger is found all the same (taint.ts).
  if (!hasProcessFiles()) return [];
  const words = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(1);
  const script = words.findIndex((word) => !word.startsWith("-") && word !== "run");
  return words.slice(0, Math.max(0, script)).filter((flag) => !HARMLESS_IN_DENO.test(flag));
}

/** What is asked of the runtime: on its command line, and in the variable that stands for it. */
function requestedFlags(environment: Environment): string[] {
  if (runtime() === "deno") return denoFlags();
  const variable = runtime() === "bun" ? environment.BUN_OPTIONS : environment.NODE_OPTIONS;
  return [...process.execArgv, ...(variable ?? "").split(/\s+/)].filter((flag) => flag !== "");
}

/** Those that neither belong to us nor are harmless: by them others reach into this process. */
export function foreignFlags(environment: Environment): string[] {
  const ours = new Set(ownFlags());
  return requestedFlags(environment).filter((flag) => !isKept(flag) && !ours.has(flag));
}

/**
 * What a runtime of its own accord opens or obeys is switched off. (Deno finds its packages by the configuration beside them,
 * so it reads that; whoever may change it may change the packages.)
 */
function ownFlags(): string[] {
  switch (runtime()) {
    case "deno":
      return ["--allow-all", "--quiet", "--no-lock", "--no-prompt", "--no-code-cache"];
    case "bun":
      return [`--config=${devNull}`, "--no-env-file", "--no-install"];
    default:
      // OpenSSL's configuration can name code to load; where it lies, and what it includes, is each distribution's own, and
      // Node does not start where it may not read it.
      return [
        ...(knowsDisableSigusr1(process.versions.node) ? ["--disable-sigusr1"] : []),
        ...(process.versions.openssl === undefined ? [] : [`--openssl-config=${devNull}`]),
      ];
  }
}

/**
 * Before, the sandbox sees to it that SIGUSR1 starts nothing. (`process.allowedNodeEnvironmentFlags` would tell, but takes a
 * millisecond of each start.)
 */
export function knowsDisableSigusr1(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  return major === 22 ? minor >= 14 : major === 23 ? minor >= 7 : major > 23;
}

/** This program, with these arguments, clean. @throws CliError */
export function selfCommand(args: readonly string[], environment: Environment = process.env): Command {
  const script = process.argv[1];
  if (script === undefined)
    throw new CliError("cannot tell which script is running", "Start it with: wasmguard -f NAME");
  const kept = requestedFlags(environment).filter((flag) => isKept(flag));
  const subcommand = runtime() === "deno" ? ["run"] : [];
  return { program: process.execPath, args: [...subcommand, ...new Set([...ownFlags(), ...kept]), script, ...args] };
}
