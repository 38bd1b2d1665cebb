/** Which tunnel a service is of, and how its daemon is to run: words of a command line, which the system repeats at each start. */
import { resolve } from "node:path";
import { UsageError } from "../command-errors.ts";
import { type StartRequest, startRequest } from "../daemon-options.ts";
import type { Environment } from "../launch/environment.ts";
import { DAEMON_OPTIONS, parseOptions, SERVICE_OPTIONS, TEST_OPTIONS } from "../option-table.ts";
import { type ConfigFile, openConfigFile } from "../quick/file.ts";
import type { QuickSystem } from "../quick/system.ts";
import { quickSystem } from "../quick/systems.ts";

/** What a tunnel is set up from, and by. */
export interface SetUp {
  readonly system: QuickSystem;
  /** The caller closes it, perhaps more than once. */
  readonly config: ConfigFile;
}

export interface ServiceTarget {
  readonly request: StartRequest;
  /** Undefined where others configure it. */
  readonly setUp: SetUp | undefined;
  /** Who may change its files, besides administrators: SIDs of Windows. */
  readonly writers: readonly string[];
  /** The same words, with whole paths. */
  readonly words: readonly string[];
}

/** @throws UsageError, CliError, ConfigError, PlatformError */
export async function serviceTarget(words: readonly string[], environment: Environment): Promise<ServiceTarget> {
  const [given = "", ...options] = words;
  if (given === "" || given.startsWith("-")) {
    throw new UsageError("service takes a name or a file first", "Try: wasmguard service install wg0");
  }
  const rows = { ...DAEMON_OPTIONS, ...SERVICE_OPTIONS, ...TEST_OPTIONS };
  const { values, operands } = parseOptions(rows, options);
  const { hooks } = values;
  const writers = sids(values.writers);
  if (operands.length > 0) throw new UsageError(`${JSON.stringify(operands[0])} is one name too many`);
  if (hooks !== undefined && hooks !== "skip")
    throw new UsageError("a service runs no hooks: --hooks is skip or nothing");
  if (!given.endsWith(".conf"))
    return { request: startRequest([given], values, environment), setUp: undefined, writers, words };
  const path = resolve(given);
  const config = openConfigFile(path);
  try {
    const request = startRequest([config.name], values, environment);
    const system = await quickSystem("service", hooks === undefined ? {} : { hooks });
    system.check?.(config);
    return { request, setUp: { system, config }, writers, words: [path, ...options] };
  } catch (error) {
    config.close();
    throw error;
  }
}

/** @throws UsageError */
function sids(text: string | undefined): string[] {
  const names = text?.split(",").map((name) => name.trim()) ?? [];
  const wrong = names.find((name) => !/^S-1(?:-\d{1,15}){2,16}$/.test(name));
  if (wrong === undefined) return names;
  throw new UsageError(`--writers takes SIDs, and that is none: ${JSON.stringify(wrong)}`, "whoami /groups tells them");
}
