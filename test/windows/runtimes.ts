/** Runtimes of Windows, which run a program beside these tests. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const installed = (path: string): string => at(`.runtimes/windows/node_modules/${path}`);

export const PROGRAM = at("bin/wasmguard.js");
/** Ends what hangs; a start under Wine takes seconds where others are at work. */
const RUN_MS = 60_000;

const COMMANDS: Record<string, readonly string[]> = {
  node: [process.execPath],
  bun: [installed("@oven/bun-windows-x64/bin/bun.exe")],
  deno: [installed("@deno/win32-x64/deno.exe"), "run", "--quiet", "--no-lock", "--allow-all"],
};

export const RUNTIMES = Object.keys(COMMANDS);

/** A runtime's command line before the script. */
export function commandOf(runtime: string): [string, ...string[]] {
  const [program = "", ...before] = COMMANDS[runtime]!;
  return [program, ...before];
}

export interface Surroundings {
  readonly input?: string | Uint8Array;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

export function run(
  runtime: string,
  args: readonly string[],
  { input = "", env = {}, cwd }: Surroundings = {},
): SpawnSyncReturns<string> {
  const [program, ...before] = commandOf(runtime);
  return spawnSync(program, [...before, ...args], {
    input,
    encoding: "utf8",
    timeout: RUN_MS,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
}
