/**
 * Child processes with a time limit. Each one leads its own process group, so that a limit ends whatever it started too.
 */
import { type ChildProcess, spawn } from "node:child_process";

export interface Result {
  /** Exit code; undefined when a signal ended the process. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly timeoutMs?: number;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A file descriptor for both outputs instead of pipes, for programs that leave a daemon behind. */
  readonly outputFd?: number;
  readonly uid?: number;
}

/** Run a program to its end, whatever its exit code. @throws when it cannot start or exceeds its time */
export function attempt(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const timeoutMs = options.timeoutMs ?? 20_000;
  const child = start(argv, options);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      killGroup(child);
      reject(new Error(`${argv.join(" ")}: not finished after ${timeoutMs} ms\n${output.stdout}${output.stderr}`));
    }, timeoutMs);
    child.on("error", (error) => {
      clearTimeout(limit);
      reject(error);
    });
    const finish = () => {
      clearTimeout(limit);
      resolve({ code: child.exitCode ?? undefined, signal: child.signalCode ?? undefined, ...output });
    };
    child.on("close", finish);
    // A daemon may hold the pipes open: the program's own end is what counts. What it wrote lies in them by then, and is read
    // before the immediate, however late the timer is.
    child.on("exit", () => setTimeout(() => setImmediate(finish), 200));
  });
}

/** Run a program that must succeed. @returns its standard output */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await attempt(argv, options);
  if (result.code !== 0) {
    throw new Error(
      `${argv.join(" ")}: ${result.signal ?? `exit code ${result.code}`}\n${result.stdout}${result.stderr}`,
    );
  }
  return result.stdout;
}

/** Start a program that outlives the call; the caller ends it (killGroup). */
export function start(argv: readonly string[], options: RunOptions = {}): ChildProcess {
  const output = options.outputFd ?? "pipe";
  const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: "C", ...options.env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
  return spawn(argv[0]!, argv.slice(1), {
    detached: true,
    stdio: ["ignore", output, output],
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
}

export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended already.
  }
}

/** Resolves with true once a started program has ended, false after the time. */
export function ended(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  return waitFor(() => child.exitCode !== null || child.signalCode !== null, timeoutMs);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Ask again and again until the answer is true. @returns false when the time is over */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 25,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await sleep(everyMs);
  }
}
