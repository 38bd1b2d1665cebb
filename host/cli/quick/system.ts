/**
 * What `up`, `down` and `save` want of a system. The steps and their order are the same everywhere (up.ts, down.ts); each system is a folder
 * beside this file, and systems.ts knows them by name.
 */
import type { ShownDevice } from "../show/shown-device.ts";
import type { ConfigFile } from "./file.ts";

/** The word for the process behind QuickSystem.follow: longer than any name of an interface. */
export const FOLLOW = "follow-the-network";

/** A configuration, and the interface that it has or gets. */
export interface Tunnel {
  readonly config: ConfigFile;
  readonly interfaceName: string;
}

/** What the system has of an interface now, as a configuration says it. */
export interface Present {
  readonly addresses: readonly string[];
  /** Servers and search domains, as raw text. */
  readonly dns: readonly string[];
  readonly mtu: string | undefined;
}

/** How a file of secrets takes the place of another in one step. Both throw what the system says. */
export interface Replacement {
  /** @returns a descriptor of a new file that nobody reads who could not read the other */
  create(path: string): number;
  replace(path: string, by: string): void;
}

/** One for each command. What is said to throw throws a CliError, at which all is undone. */
export interface QuickSystem {
  /** Whose choice an interface's name is. Where it is the system's, the tunnel is started before PreUp, which is told the name. */
  readonly namesInterfaces: "the configuration" | "the system";
  /** Where servers are those of an interface they may come first, as in wg-quick; where they are the machine's, after what leads to them. */
  readonly setsDns: "before routes" | "after routes";
  /** Rights and programs that must be there before anything is touched. @param file as given, for advice @throws CliError */
  require(command: string, file: string): void;
  /** What of a configuration this system could not do: said before anything is touched. @throws CliError */
  check?(config: ConfigFile): void;
  /** Run a hook where no POSIX shell does. @returns why it failed; undefined if it did not @throws CliError if a signal came */
  runHook?(script: string, tunnel: Tunnel): Promise<string | undefined>;
  /** The interface that a configuration has, be its daemon well or not. @param name of the configuration */
  find(name: string): Promise<string | undefined>;
  /** Start the daemon. @returns its interface @throws CliError */
  start(config: ConfigFile): Promise<string>;
  /** @throws CliError */
  addAddress(interfaceName: string, address: string): Promise<void>;
  /** Set the MTU, and up it is. @param mtu as written; undefined: as the ways to the endpoints have it @throws CliError */
  bringUp(device: ShownDevice, mtu: string | undefined): Promise<void>;
  /** Called also where the configuration names no server. @throws CliError */
  setDns(tunnel: Tunnel): Promise<void>;
  /** @param prefix longer ones come first @param table as written, but never "off" @throws CliError */
  addRoute(tunnel: Tunnel, device: ShownDevice, prefix: string, table: string): Promise<void>;
  /** At the end of `up`: see to it that what was set follows the machine from one network to another. @throws CliError */
  follow?(tunnel: Tunnel): Promise<void>;
  /** Undo what would outlive the interface, in whatever state `up` left it. Never throws. */
  undo(tunnel: Tunnel): Promise<void>;
  /** Remove the interface, by which its daemon ends, and wait until both have gone. @throws CliError where they have not */
  remove(tunnel: Tunnel): Promise<void>;
  /** Undo what a daemon left that did not end well; its interface has gone. @returns whether there was anything */
  cleanUp(config: ConfigFile): Promise<boolean>;
  present(tunnel: Tunnel): Promise<Present>;
  /** Where files have no modes, but a list of who may read them. */
  readonly replacement?: Replacement;
}
