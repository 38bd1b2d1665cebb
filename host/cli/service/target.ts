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
  if (operands.length > 0) throw new UsageError(`${JSON.stringify(operands[0])} is one name too many`);
  if (hooks !== undefined && hooks !== "skip")
    throw new UsageError("a service runs no hooks: --hooks is skip or nothing");
  if (!given.endsWith(".conf")) return { request: startRequest([given], values, environment), setUp: undefined, words };
  const path = resolve(given);
  const config = openConfigFile(path);
  try {
    const request = startRequest([config.name], values, environment);
    const system = await quickSystem("service", hooks === undefined ? {} : { hooks });
    system.check?.(config);
    return { request, setUp: { system, config }, words: [path, ...options] };
  } catch (error) {
    config.close();
    throw error;
  }
}
