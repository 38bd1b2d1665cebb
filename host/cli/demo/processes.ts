/**
 * Programs that the demo runs: short ones with a time limit, and long ones that it ends itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "../command-errors.ts";

const STOP_WAIT_MS = 3000;

export interface RunOptions {
  timeoutMs: number;
  signal: AbortSignal;
}

function describe(command: readonly string[]): string {
  return `\`${command.join(" ")}'`;
}

/** Run to the end. @returns stdout. @throws CliError with the program's last words, also when aborted */
export function runToEnd(command: readonly string[], { timeoutMs, signal }: RunOptions): Promise<string> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new CliError("interrupted", ""));
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output.stderr += text;
    });
    const end = (): boolean => child.kill("SIGKILL");
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener("abort", end);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    };
    child.on("error", (cause) => {
      settle();
      reject(new CliError(`cannot run ${program}: ${cause.message}`, `Install ${program}`));
    });
    child.on("close", (code, by) => {
      settle();
      if (code === 0) return resolve(output.stdout);
      if (signal.aborted) return reject(new CliError("interrupted", ""));
      const words = output.stderr.trim().split("\n").at(-1) ?? "";
      reject(new CliError(`${describe(command)} failed (${by ?? `exit code ${code}`})`, words));
    });
  });
}

/** Programs that run until the demo ends. */
export class Companions {
  private readonly children: { child: ChildProcess; words: string }[] = [];

  /** Start one. @returns what tells how it ended; undefined while it runs */
  start(command: readonly string[], env: NodeJS.ProcessEnv = {}): { failure(): string | undefined; output(): string } {
    const [program = "", ...args] = command;
    // A group of its own: Ctrl-C at the terminal reaches the demo alone, which then ends them in order.
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...env },
    });
    const entry = { child, words: "" };
    let output = "";
    child.on("error", (cause) => {
      entry.words = cause.message;
    });
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      entry.words = (entry.words + text).slice(-2000);
    });
    this.children.push(entry);
    const ended = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    return {
      failure: () => (ended() ? entry.words.trim() || `exit code ${child.exitCode}` : undefined),
      output: () => output,
    };
  }

  /** End all: kindly, then firmly. Resolves when none is left. */
  async stop(): Promise<void> {
    const alive = (): ChildProcess[] =>
      this.children
        .map(({ child }) => child)
        .filter((child) => child.exitCode === null && child.signalCode === null && child.pid);
    for (const child of alive()) child.kill("SIGTERM");
    const deadline = performance.now() + STOP_WAIT_MS;
    while (alive().length > 0 && performance.now() < deadline) await delay(20);
    for (const child of alive()) child.kill("SIGKILL");
  }
}

/** Wait for `condition`. @throws CliError naming `what` after the time, or as soon as `failure` tells of one */
export async function waitFor(
  what: string,
  condition: () => Promise<boolean> | boolean,
  { timeoutMs, signal }: RunOptions,
  failure: () => string | undefined = () => undefined,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    const failed = failure();
    if (failed !== undefined) throw new CliError(`${what}: ${failed.split("\n").at(-1)}`, "");
    if (signal.aborted) throw new CliError("interrupted", "");
    if (performance.now() > deadline) throw new CliError(`${what}: not within ${timeoutMs / 1000} s`, "Try again");
    await delay(10);
  }
}
