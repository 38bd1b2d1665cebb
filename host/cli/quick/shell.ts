/**
 * The system's own programs: run with an echo as wg-quick does, or asked quietly.
 * Signals that end a program, that of a terminal which is closed too, do not end this process in the midst of a change: what is waited for is given
 * up, a program that runs gets SIGTERM (Ctrl-C reaches it anyway), and the next step throws, so that everything is undone.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { encodeRawText } from "../../config/raw-text.ts";
import { consoleTellsChildren, endingSignals } from "../../platform.ts";
import { CliError } from "../command-errors.ts";
import { complain } from "../print.ts";

let interruption: AbortSignal | undefined;
/** What runs on behalf of the step in hand. */
let running: ChildProcess | undefined;

/** From now on signals interrupt steps, and what is between them. @returns what ends that */
export function deferSignals(): () => void {
  const controller = new AbortController();
  interruption = controller.signal;
  const note = (signal: NodeJS.Signals): void => {
    controller.abort(signal);
    if (signal !== "SIGINT" && !consoleTellsChildren()) running?.kill("SIGTERM");
  };
  const signals = new Set<NodeJS.Signals>([...endingSignals(), "SIGHUP"]);
  for (const signal of signals) process.on(signal, note);
  return () => {
    interruption = undefined;
    for (const signal of signals) process.off(signal, note);
  };
}

/** For a process that is ended otherwise: this interrupts steps as a signal would. @param signal with a reason: by whom */
export function interruptBy(signal: AbortSignal): void {
  interruption = signal;
}

class InterruptedError extends CliError {
  constructor(signal: unknown) {
    super(`interrupted by ${signal}`, "What had been done was undone");
  }
}

export function wasInterrupted(error: unknown): boolean {
  return error instanceof InterruptedError;
}

/** @throws CliError if a signal came */
export function checkInterruption(): void {
  if (interruption?.aborted) throw new InterruptedError(interruption.reason);
}

/** Wait for it, or for a signal. @throws CliError if one comes, whatever becomes of the work */
export function interruptible<T>(work: Promise<T>): Promise<T> {
  const signal = interruption;
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const interrupt = (): void => reject(new InterruptedError(signal.reason));
    if (signal.aborted) return interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    void work.finally(() => signal.removeEventListener("abort", interrupt)).then(resolve, reject);
  });
}

export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? "").split(":").some((folder) => folder !== "" && existsSync(`${folder}/${name}`));
}

export function echo(text: string): void {
  complain(`[#] ${text}\n`, "step");
}

interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
}

/** What a shell is given besides its command. */
export interface ShellOptions {
  /** In its environment. */
  readonly variables?: Readonly<Record<string, string>>;
  /** "none": words reach the program of Windows as they are. */
  readonly quoting?: "the runtime's" | "none";
}

function execute(
  command: readonly string[],
  input: string | undefined,
  output: "inherit" | "pipe" | "ignore",
  onSignal: "may be ended" | "goes on" = "goes on",
  { variables, quoting }: ShellOptions = {},
): Promise<Finished> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, LC_ALL: "C", ...variables },
      windowsVerbatimArguments: quoting === "none",
      stdio: [input === undefined ? "inherit" : "pipe", output, output === "pipe" ? "ignore" : "inherit"],
    });
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.on("close", () => {
      if (running === child) running = undefined;
    });
    child.on("error", () => reject(new CliError(`cannot run ${program}`, `Install the program ${program}`)));
    child.on("close", (code, signal) => resolve({ code, signal, stdout }));
    child.stdin?.on("error", () => {});
    child.stdin?.end(input && encodeRawText(input));
    if (onSignal === "may be ended") running = child;
  });
}

/** Echo and run. @throws CliError if it fails */
export function run(command: readonly string[], input?: string): Promise<void> {
  return runAs(command.join(" "), command, input);
}

/** Run under the name that a user knows the command by. @throws CliError if it fails */
export async function runAs(shown: string, command: readonly string[], input?: string): Promise<void> {
  echo(shown);
  const { code, signal } = await execute(command, input, "inherit", "may be ended");
  checkInterruption();
  if (code === 0) return;
  throw new CliError(`\`${shown}' failed (${signal ?? `exit code ${code}`})`, "See its message above");
}

/** Echo and run; a failure is left at the program's own message. What it says besides is of no use. */
export async function attempt(command: readonly string[], input?: string): Promise<void> {
  echo(command.join(" "));
  await execute(command, input, "ignore").catch(() => undefined);
}

/** What a program prints on stdout; "" if it fails or is not there. */
export async function ask(...command: string[]): Promise<string> {
  const { code, stdout } = await execute(command, "", "pipe").catch(() => ({ code: 1, stdout: "" }));
  return code === 0 ? stdout : "";
}

/** Run a shell, without an echo. @returns why it failed; undefined if it did not. @throws CliError if a signal came */
export async function runShell(command: readonly string[], options?: ShellOptions): Promise<string | undefined> {
  const { code, signal } = await execute(command, undefined, "inherit", "may be ended", options);
  checkInterruption();
  return code === 0 ? undefined : (signal ?? `exit code ${code}`);
}
