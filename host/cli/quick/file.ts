/**
 * Which configuration file is meant, and what it says. The interface is named by the file, as wg-quick has it. Keys are not kept:
 * they are read once more when they are needed, since hooks and the resolver may take minutes before.
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { withoutMark } from "../../config/byte-order-mark.ts";
import { parseConfig } from "../../config/parse.ts";
import { decodeRawText, encodeRawText, isUnicode } from "../../config/raw-text.ts";
import { type PeerSettings, type SystemSettings, type TunnelSettings, wipeSettings } from "../../config/settings.ts";
import { configurationFolders, filesHaveModes } from "../../platform.ts";
import { CliError, UsageError } from "../command-errors.ts";
import { complain } from "../print.ts";
import { SourceBytes } from "./source.ts";

const NAME = /^[a-zA-Z0-9_=+.-]{1,15}$/;
const FILE = /^([a-zA-Z0-9_=+.-]{1,15})\.conf$/;

export interface ConfigFile {
  /** Raw text (config/raw-text.ts), without symbolic links. */
  path: string;
  /** The interface's, where it is not for the system to choose. */
  name: string;
  system: SystemSettings;
  /** Of each peer, in order. */
  endpoints: PeerSettings["endpoint"][];
  /** Without a line that is not blank or a comment. */
  isEmpty: boolean;
  /** The file's bytes again, with its keys. The caller wipes them. */
  bytes(): Uint8Array;
  /** What goes to the tunnel, with its keys. The caller wipes them, by wipeSettings. @throws ConfigError */
  tunnel(): TunnelSettings;
  close(): void;
}

/** A raw text as the functions of node:fs take it. */
export function fsPath(path: string): string | Buffer {
  return isUnicode(path) ? path : Buffer.from(encodeRawText(path));
}

/** The path without symbolic links, or as it is where it leads to no file (a pipe of /proc/self/fd). */
function realPath(path: string): string {
  try {
    return decodeRawText(realpathSync(fsPath(path), { encoding: "buffer" }));
  } catch {
    return path;
  }
}

function warnIfWorldAccessible(path: string): void {
  if (!filesHaveModes()) return;
  const open = statSync(fsPath(path)).mode & statSync(fsPath(dirname(path))).mode & 0o007;
  if (open !== 0) complain(`Warning: \`${path}' is world accessible\n`);
}

/** The configuration of that name that is there, or the place where it would be looked for first. @throws CliError where there are no folders */
function named(name: string, folders: readonly string[]): string {
  const paths = folders.map((folder) => `${folder}/${name}.conf`);
  const path = paths.find((one) => existsSync(one)) ?? paths[0];
  if (path !== undefined) return path;
  throw new CliError(`${name} is no file, and names stand for none on this system`, "Give a FILE.conf");
}

/** @param argument  a path ending in .conf, or the name of a file in one of the folders. @throws CliError */
function locate(argument: string, folders: readonly string[]): { path: string; name: string } {
  const isName = NAME.test(argument);
  // As wg-quick: a bare "wg0.conf" is a name too, but the file that is there is what is meant.
  const isFile = !isName || (argument.endsWith(".conf") && existsSync(argument));
  const path = isFile ? argument : named(argument, folders);
  if (!existsSync(fsPath(path))) {
    const orName = folders.length === 0 ? "" : `, or a NAME in ${folders.join(" or ")}`;
    throw new CliError(`${path} does not exist`, `Give a FILE.conf${orName}`);
  }
  // Not what stands before a separator at the end, which names a folder.
  const name = path.endsWith(".conf") ? FILE.exec(basename(path))?.[1] : undefined;
  if (name === undefined || name === "." || name === "..") {
    throw new UsageError(
      `${path} does not name an interface`,
      "Call the file NAME.conf, NAME being 1 to 15 letters, digits or _=+.- (a link will do: ln -s /dev/fd/3 wg0.conf)",
    );
  }
  return { path, name };
}

/** @param argument  as raw text. @throws CliError, ConfigError */
export function openConfigFile(argument: string, folders = configurationFolders()): ConfigFile {
  const { path, name } = locate(argument, folders);
  const real = realPath(path);
  const source = SourceBytes.open(path, fsPath(path));
  try {
    if (source.isFile) warnIfWorldAccessible(real);
    const fileName = basename(path);
    const parse = () => {
      const bytes = source.read();
      try {
        return parseConfig(bytes, fileName);
      } finally {
        bytes.fill(0);
      }
    };
    const settings = parse();
    wipeSettings(settings);
    return {
      path: real,
      name,
      system: settings.system,
      isEmpty: settings.isEmpty,
      endpoints: settings.tunnel.peers.map(({ endpoint }) => endpoint),
      bytes: () => withoutMark(source.read(), fileName),
      tunnel: () => parse().tunnel,
      close: () => source.close(),
    };
  } catch (error) {
    source.close();
    throw error;
  }
}

/** The arguments of the command line as raw text: the runtimes lose bytes that are not UTF-8. */
export function rawArguments(args: readonly string[], commandLine: () => Uint8Array): string[] {
  if (!args.some((arg) => arg.includes("\ufffd"))) return [...args];
  const words: string[] = [];
  const bytes = commandLine();
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    words.push(decodeRawText(bytes.subarray(start, end < 0 ? bytes.length : end)));
    start = end < 0 ? bytes.length : end + 1;
  }
  return words.slice(-args.length);
}
