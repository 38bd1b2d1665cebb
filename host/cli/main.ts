/**
 * The `wasmguard` command: arguments to a subcommand, errors to one line and an exit code.
 * Each subcommand is imported when it runs, so that `wasmguard wg0` loads only what starting needs.
 */
import { CliError, exitCodeOf, UsageError } from "./command-errors.ts";
import { leave } from "./launch/leave.ts";
import { debuggerIsOpen, RESTARTED, taints } from "./launch/taint.ts";
import { complain, complainOf, print } from "./print.ts";
import { FOLLOW } from "./quick/system.ts";

/** A subcommand gets its own arguments and answers with the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

const COMMANDS: Record<string, () => Promise<Command>> = {
  genkey: async () => (await import("./key-commands.ts")).genkey,
  genpsk: async () => (await import("./key-commands.ts")).genpsk,
  pubkey: async () => (await import("./key-commands.ts")).pubkey,
  show: async () => (await import("./show/command.ts")).show,
  showconf: async () => (await import("./show/command.ts")).showconf,
  up: async () => (await import("./quick/command.ts")).up,
  save: async () => (await import("./quick/command.ts")).save,
  strip: async () => (await import("./quick/command.ts")).strip,
  down: async () => (await import("./quick/command.ts")).down,
  service: async () => (await import("./service/command.ts")).service,
  proxy: async () => (await import("./proxy/start.ts")).startProxy,
  demo: async () => (await import("./demo/command.ts")).demo,
  completion: async () => (await import("./completion.ts")).completion,
  help: async () => help,
  [FOLLOW]: async () => (await import("./quick/systems.ts")).follow,
};

async function help(args: readonly string[]): Promise<number> {
  const { commandHelp } = await import("./help.ts");
  print(commandHelp(args[0] ?? ""));
  return 0;
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    throw new UsageError("no interface name and no command", "Try: wasmguard wg0, or: wasmguard --help");
  }
  const load = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (load === undefined) return (await import("./start.ts")).start(args);
  if (rest.includes("--help") || rest.includes("-h")) return help([first]);
  const command = await load();
  // A signal that came before the first line of ours may have opened one since.
  if (await debuggerIsOpen()) throw new CliError("a debugger is open in this process", "Run the command again");
  return command(rest);
}

/**
 * Run one command line.
 * @param args  the arguments after the program's name
 * @returns     the exit code: 0, 1 for a failure, 2 for a wrong command line
 */
export function main(args: readonly string[]): Promise<number> {
  return reporting(() => dispatch(args));
}

/**
 * Run one command line in a process that was started for it: where anything else was let into the process, it starts again
 * without.
 */
export function enter(args: readonly string[]): Promise<number> {
  return reporting(async () => {
    const found = await taints();
    if (found.length > 0) return (await import("./launch/restart.ts")).restartWithout(found, args);
    delete process.env[RESTARTED];
    return dispatch(args);
  });
}

async function reporting(run: () => Promise<number>): Promise<number> {
  try {
    return leave(await run());
  } catch (error) {
    complainOf(error);
    const unexpected = error instanceof Error && !("nextStep" in error);
    if (unexpected && process.env.LOG_LEVEL === "verbose") complain(`${error.stack}\n`);
    return leave(exitCodeOf(error));
  }
}
