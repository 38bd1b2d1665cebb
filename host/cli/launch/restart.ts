/**
 * Puts this program in the place of this process once more, clean: same process number, same descriptors, another
 * environment and other flags of the runtime. Where neither the C library can be called (Node 20 to 25 without koffi) nor Node knows how
 * (since 22.15 and 23.11) a child does the work; signals go to it, and its end is ours. What a terminal or a service manager sends to both,
 * that child gets twice.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { replaceProcess } from "../../ffi/execute.ts";
import { openLibc } from "../../ffi/libc.ts";
import { consoleTellsChildren, endingSignals, replacesProcesses } from "../../platform.ts";
import { CliError } from "../command-errors.ts";
import { type Command, selfCommand } from "./command.ts";
import { passOnInherited } from "./descriptors.ts";
import { commandEnvironment, givenEnvironment } from "./environment.ts";
import { RESTARTED } from "./taint.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"] as const;

/** Start again without `found`. @returns the exit code, where a child did the work @throws CliError */
export async function restartWithout(found: readonly string[], args: readonly string[]): Promise<number> {
  if (process.env[RESTARTED] !== undefined) {
    throw new CliError(`this process is not ours alone: ${found.join(", ")}`, "Start it without these");
  }
  const environment = { ...commandEnvironment(givenEnvironment()), [RESTARTED]: "1" };
  const command = selfCommand(args);
  if (replacesProcesses()) await replace(command, environment);
  return runChild(command, environment);
}

/** Returns only where it cannot be done. */
async function replace({ program, args }: Command, environment: Record<string, string>): Promise<void> {
  try {
    const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
    passOnInherited(libc);
    replaceProcess(libc, { program, argv: [program, ...args], environment });
  } catch {
    // No FFI here.
  }
  try {
    process.execve?.(program, [program, ...args], environment);
  } catch {
    // Node was told to start no other program.
  }
}

function runChild({ program, args }: Command, env: Record<string, string>): Promise<number> {
  // Node passes this one on to children by itself, unless it is named.
  const child = spawn(program, args, { stdio: "inherit", env: { ...env, NODE_V8_COVERAGE: undefined } });
  const forwarded = consoleTellsChildren() ? endingSignals() : FORWARDED;
  for (const signal of forwarded) {
    process.on(signal, () => {
      if (!consoleTellsChildren()) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => reject(new CliError(`cannot start ${program}: ${cause.message}`, "")));
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGTERM"]));
  });
}
