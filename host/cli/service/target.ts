/** Which tunnel a service is of, and how its daemon is to run: words of a command line, which the system repeats at each start. */
import { resolve } from "node:path";
import { UsageError } from "../command-errors.ts";
import { type StartRequest, startRequest } from "../daemon-options.ts";
import type { Environment } from "../launch/environment.ts";
import { DAEMON_OPTIONS, parseOptions, TEST_OPTIONS } from "../option-table.ts";
import { type ConfigFile, openConfigFile } from "../quick/file.ts";

export interface ServiceTarget {
  readonly request: StartRequest;
  /** What it is configured from; undefined where others do that. The caller closes it. */
  readonly config: ConfigFile | undefined;
  /** The same words, with whole paths. */
  readonly words: readonly string[];
}

/** @throws UsageError, CliError, ConfigError */
export function serviceTarget(words: readonly string[], environment: Environment): ServiceTarget {
  const [given = "", ...options] = words;
  if (given === "" || given.startsWith("-")) {
    throw new UsageError("service takes a name or a file first", "Try: wasmguard service install wg0");
  }
  const { values, operands } = parseOptions({ ...DAEMON_OPTIONS, ...TEST_OPTIONS }, options);
  if (operands.length > 0) throw new UsageError(`${JSON.stringify(operands[0])} is one name too many`);
  if (!given.endsWith(".conf"))
    return { request: startRequest([given], values, environment), config: undefined, words };
  const path = resolve(given);
  const config = openConfigFile(path);
  try {
    return { request: startRequest([config.name], values, environment), config, words: [path, ...options] };
  } catch (error) {
    config.close();
    throw error;
  }
}
