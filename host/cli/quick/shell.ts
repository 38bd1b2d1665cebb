/**
 * The system's own programs: run with an echo as wg-quick does, or asked quietly.
 * SIGINT and SIGTERM do not end this process in the midst of a change: the step in hand is let finish (the same
 * signal mostly ends it), and the next one throws, so that everything is undone.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { CliError } from "../errors.ts";
import { complain } from "../print.ts";

let interruption: NodeJS.Signals | undefined;

/** From now on signals interrupt between steps. @returns what ends that */
export function deferSignals(): () => void {
  const note = (signal: NodeJS.Signals): void => {
    interruption = signal;
  };
  process.on("SIGINT", note);
  process.on("SIGTERM", note);
  return () => {
    interruption = undefined;
    process.off("SIGINT", note);
    process.off("SIGTERM", note);
  };
}

/** @throws CliError if a signal came */
export function checkInterruption(): void {
  if (interruption === undefined) return;
  const signal = interruption;
  interruption = undefined;
  throw new CliError(`interrupted by ${signal}`, "What had been done was undone");
}

export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => folder !== "" && existsSync(`${folder}/${name}`));
}

export function echo(text: string): void {
  complain(`[#] ${text}\n`);
}

interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
}

function execute(command: readonly string[], input: string | undefined, output: "inherit" | "pipe"): Promise<Finished> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, LC_ALL: "C" },
      stdio: [input === undefined ? "inherit" : "pipe", output, output === "pipe" ? "ignore" : "inherit"],
    });
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.on("error", () => reject(new CliError(`cannot run ${program}`, `Install the program ${program}`)));
    child.on("close", (code, signal) => resolve({ code, signal, stdout }));
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Echo and run. @throws CliError if it fails */
export function run(command: readonly string[], input?: string): Promise<void> {
  return runAs(command.join(" "), command, input);
}

/** Run under the name that a user knows the command by. @throws CliError if it fails */
export async function runAs(shown: string, command: readonly string[], input?: string): Promise<void> {
  echo(shown);
  const { code, signal } = await execute(command, input, "inherit");
  checkInterruption();
  if (code === 0) return;
  throw new CliError(`\`${shown}' failed (${signal ?? `exit code ${code}`})`, "See its message above");
}

/** Echo and run; a failure is left at the program's own message. */
export async function attempt(command: readonly string[], input?: string): Promise<void> {
  echo(command.join(" "));
  await execute(command, input, "inherit").catch(() => undefined);
}

/** What a program prints on stdout; "" if it fails or is not there. */
export async function ask(...command: string[]): Promise<string> {
  const { code, stdout } = await execute(command, "", "pipe").catch(() => ({ code: 1, stdout: "" }));
  return code === 0 ? stdout : "";
}

/** As wg-quick evaluates hooks: the first command that fails ends one. */
const BASH = ["bash", "-e", "-o", "pipefail", "-O", "extglob", "-c"];

/** Run hooks in bash, each in a shell of its own, with %i replaced. @throws CliError at the first that fails */
export async function runHooks(hooks: readonly string[], interfaceName: string): Promise<void> {
  const shell = hasProgram("bash") ? BASH : ["sh", "-e", "-c"];
  for (const hook of hooks) {
    const script = hook.replaceAll("%i", interfaceName);
    echo(script);
    const { code, signal } = await execute([...shell, script], undefined, "inherit");
    checkInterruption();
    if (code !== 0) throw new CliError(`the hook \`${script}' failed (${signal ?? `exit code ${code}`})`, "Correct it");
  }
}
