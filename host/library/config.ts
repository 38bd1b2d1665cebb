/** wg-quick configurations for programs: what a device is made of, and what the file says of the system, for the program to apply. */

import type { Url } from "../ambient.ts";
import { ConfigError } from "../config/config-errors.ts";
import { parseConfig } from "../config/parse.ts";
import { type Settings, wipeSettings } from "../config/settings.ts";
import { CONFIG_BYTES_MAX } from "../config/size.ts";
import { errorCode } from "../error-code.ts";
import { plainBytes } from "../event/bytes.ts";
import { OptionError } from "../event/device-errors.ts";
import { system } from "../event/system.ts";
import type { PeerConfig } from "./peer-config.ts";

/** A text of bytes, which the caller wipes; a text; a path. A string that has a line feed or begins with [ is a text. */
export type ConfigSource = Uint8Array | string | Url;

export interface Config {
  /** 32 bytes; `wipe` clears it. */
  readonly privateKey: Uint8Array;
  /** 0: any. */
  readonly listenPort: number;
  readonly peers: readonly PeerConfig[];
  readonly mtu: number | undefined;
  /** Of the interface, as written: `10.0.0.2/24`. */
  readonly addresses: readonly string[];
  readonly dnsServers: readonly string[];
  readonly searchDomains: readonly string[];
  /** Wipe the private key and the preshared keys. */
  wipe(): void;
}

/** @throws OptionError, ConfigError; a file that cannot be read has the system's code in its `cause`, or that error's name where it has none */
export async function readConfig(source: ConfigSource): Promise<Config> {
  const { bytes, name, own } = await bytesOf(source);
  try {
    return configOf(parseConfig(bytes, name), name);
  } finally {
    if (own) bytes.fill(0);
  }
}

async function bytesOf(source: unknown): Promise<{ bytes: Uint8Array; name: string; own: boolean }> {
  const given = plainBytes(source);
  if (given !== undefined) return { bytes: given, name: "configuration", own: false };
  if (typeof source === "string" && (source.includes("\n") || /^\s*\[/.test(source))) {
    return { bytes: new TextEncoder().encode(source), name: "configuration", own: true };
  }
  const isPath = (typeof source === "string" && source !== "") || isUrl(source);
  if (!isPath) throw new OptionError("config", "the text of a configuration, or the path of a file");
  const { readFile } = system();
  if (readFile === undefined) throw new OptionError("config", "the text of a configuration: this system has no files");
  const bytes = await readFile(source as string | URL, CONFIG_BYTES_MAX).catch((error: unknown) => {
    // Deno's refusals of permission have no code. The runtime's own error has the path, which may be a key in the wrong place.
    const code = errorCode(error) ?? (error as Error).name;
    const cause = Object.assign(new Error(code), { code });
    throw new ConfigError("configuration", 0, "the file cannot be read", "Check the path and who may read it.", cause);
  });
  if (bytes === undefined) {
    throw new ConfigError("configuration", 0, "the file is too large for a configuration", "Check the path.");
  }
  return { bytes, name: String(source).replace(/^.*\//, ""), own: true };
}

/** @throws ConfigError without a private key; the settings are wiped then */
export function configOf(settings: Settings, name: string): Config {
  const { tunnel, system: forSystem } = settings;
  const { privateKey } = tunnel;
  if (privateKey === undefined) {
    wipeSettings(settings);
    throw new ConfigError(name, 0, "there is no PrivateKey", "Add one to the section [Interface].");
  }
  return {
    privateKey,
    listenPort: tunnel.listenPort,
    peers: tunnel.peers.map(({ endpoint, ...peer }) => ({
      ...peer,
      ...(endpoint === undefined ? {} : { endpoint: { address: endpoint.host, port: endpoint.port } }),
    })),
    mtu: forSystem.mtu === undefined ? undefined : Number(forSystem.mtu),
    addresses: forSystem.addresses,
    dnsServers: forSystem.dnsServers,
    searchDomains: forSystem.dnsSearch,
    wipe: () => wipeSettings(settings),
  };
}

function isUrl(source: unknown): source is URL {
  try {
    return source instanceof URL;
  } catch {
    return false; // a Proxy may throw
  }
}
