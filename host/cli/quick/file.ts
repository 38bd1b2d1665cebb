/** Which configuration file is meant, and its bytes. The interface is named by the file, as wg-quick has it. */
import { closeSync, existsSync, fstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseConfig } from "../../config/parse.ts";
import type { Settings } from "../../config/settings.ts";
import { CliError, UsageError } from "../errors.ts";
import { complain } from "../print.ts";

const CONFIG_FOLDER = "/etc/wireguard";
const NAME = /^[a-zA-Z0-9_=+.-]{1,15}$/;
const FILE = /(?:^|\/)([a-zA-Z0-9_=+.-]{1,15})\.conf$/;
/** 130,560 allowed IPs of the longest form fit ten times. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export interface ConfigFile {
  path: string;
  interfaceName: string;
  settings: Settings;
}

function readBytes(path: string): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    const size = fstatSync(descriptor).size;
    if (size > FILE_BYTES_MAX) throw new CliError(`${path} is too large for a configuration`, "Check the file");
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const count = readSync(descriptor, bytes, length, size - length, null);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function warnIfWorldAccessible(path: string): void {
  const open = statSync(path).mode & statSync(dirname(path)).mode & 0o007;
  if (open !== 0) complain(`Warning: \`${path}' is world accessible\n`);
}

/** @param argument  a path ending in .conf, or the name of a file in /etc/wireguard. @throws CliError */
export function readConfigFile(argument: string): ConfigFile {
  const named = NAME.test(argument) && !argument.endsWith(".conf") ? `${CONFIG_FOLDER}/${argument}.conf` : argument;
  // As wg-quick: a bare "wg0.conf" is a name too, but the file that is there is what is meant.
  const path = existsSync(named) || !NAME.test(argument) ? named : `${CONFIG_FOLDER}/${argument}.conf`;
  if (!existsSync(path)) throw new CliError(`${path} does not exist`, "Give a FILE.conf, or a NAME in /etc/wireguard");
  const interfaceName = FILE.exec(path)?.[1];
  if (interfaceName === undefined || interfaceName === "." || interfaceName === "..") {
    throw new UsageError(
      `${path} does not name an interface`,
      "Call the file NAME.conf, NAME being 1 to 15 letters, digits or _=+.-",
    );
  }
  const real = realpathSync(path);
  warnIfWorldAccessible(real);
  const bytes = readBytes(real);
  try {
    return { path: real, interfaceName, settings: parseConfig(bytes, basename(path)) };
  } finally {
    bytes.fill(0);
  }
}
