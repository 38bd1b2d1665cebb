/** What a network is made of, checked as a whole before anything is opened. */

import { OptionError } from "../event/device-errors.ts";
import { checkMtu } from "../event/mtu.ts";
import { checkFunction, checkInteger, checkList, checkSignal, isList, readOptions } from "../event/options.ts";
import type { Config } from "../library/config.ts";
import type { DeviceOptions } from "../library/device-options.ts";
import { IpAddress } from "../net/address.ts";
import { normalizeName } from "../net/dns/name.ts";

/** Which family to prefer where a name has both. */
export type Prefer = "auto" | "ipv4" | "ipv6";

export interface NetworkOptions extends Omit<DeviceOptions, "tun" | "lookup"> {
  /** Ours inside the tunnel: `10.0.0.2` or `10.0.0.2/32`. */
  readonly addresses: readonly string[];
  /** Name servers inside the tunnel, as addresses. Without any, only `hosts` has names. */
  readonly dns?: readonly string[] | undefined;
  /** Domains that short names are completed with. */
  readonly searchDomains?: readonly string[] | undefined;
  /** Addresses of names, instead of what servers say. */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly prefer?: Prefer | undefined;
  /** Looks up names of endpoints, outside; "system", the default, is the system's resolver. */
  readonly lookup?: DeviceOptions["lookup"];
  /** Bytes that all connections and sockets may hold together; default 256 MiB. */
  readonly memory?: number | undefined;
  /** Is shown every packet inside, both ways, while it passes: for captures. It must not keep or change the bytes. */
  readonly tap?: PacketTap | undefined;
}

export type PacketTap = (packet: Uint8Array) => void;

/** What a configuration does not say, or what is to be otherwise. */
export type NetworkConfigOptions = Partial<Omit<NetworkOptions, "privateKey" | "peers" | "addresses">>;

const OWN_NAMES = ["addresses", "dns", "searchDomains", "hosts", "prefer", "memory", "tap"] as const;
const DEVICE_NAMES = [
  "privateKey",
  "peers",
  "bind",
  "driver",
  "listenPort",
  "mtu",
  "limits",
  "lookup",
  "signal",
  "debug",
] as const;
const CONFIG_NAMES = [
  ...OWN_NAMES.filter((name) => name !== "addresses"),
  ...DEVICE_NAMES.filter((name) => name !== "privateKey" && name !== "peers"),
] as const;

const MEMORY_LEAST = 1 << 20;
const MEMORY_MOST = 2 ** 40;

export interface ParsedNetwork {
  readonly addresses: readonly IpAddress[];
  readonly servers: readonly IpAddress[];
  readonly search: readonly string[];
  readonly hosts: ReadonlyMap<string, readonly IpAddress[]>;
  readonly prefer: Prefer;
  readonly mtu: number | undefined;
  readonly memory: number | undefined;
  readonly tap: PacketTap | undefined;
  /** For the device, which checks them itself. */
  readonly device: Omit<DeviceOptions, "tun">;
}

function addressOf(name: string, value: unknown, mask: "with or without a mask" | "alone"): IpAddress {
  const text = typeof value === "string" ? value : "";
  const [before = "", bits, more] = text.split("/");
  const address = IpAddress.parse(before);
  const width = address?.family === 4 ? 32 : 128;
  const masked =
    bits !== undefined && (mask === "alone" || more !== undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > width);
  if (address === undefined || masked) throw new OptionError(name, "an address, as in 10.0.0.2 or fd00::2");
  return address;
}

function domainOf(name: string, value: unknown): string {
  if (typeof value !== "string" || normalizeName(value) === undefined) throw new OptionError(name, "a domain's name");
  return value;
}

function listOf<T>(name: string, value: unknown, read: (name: string, item: unknown) => T): T[] {
  return value === undefined ? [] : checkList(name, value, name).map((item, i) => read(`${name}[${i}]`, item));
}

function hostsOf(value: unknown): Map<string, IpAddress[]> {
  const hosts = new Map<string, IpAddress[]>();
  if (value === undefined) return hosts;
  for (const [name, given] of entriesOf(value)) {
    const list = isList(given) ? checkList("hosts", given, "addresses") : [given];
    hosts.set(
      name,
      list.map((item) => addressOf("hosts", item, "alone")),
    );
  }
  return hosts;
}

/** A Map has no entries of an object, and would do nothing. @throws OptionError */
function entriesOf(value: unknown): [string, unknown][] {
  const expected = "an object of names and addresses";
  try {
    const isObject = typeof value === "object" && value !== null && !(Symbol.iterator in value);
    if (isObject) return Object.entries(value);
  } catch (cause) {
    throw new OptionError("hosts", expected, cause);
  }
  throw new OptionError("hosts", expected);
}

function preferOf(value: unknown): Prefer {
  if (value === undefined) return "auto";
  if (value === "auto" || value === "ipv4" || value === "ipv6") return value;
  throw new OptionError("prefer", '"auto", "ipv4" or "ipv6"');
}

/** @throws OptionError */
export function parseNetwork(options: unknown): ParsedNetwork {
  const given = readOptions("options", options, [...OWN_NAMES, ...DEVICE_NAMES]);
  const addresses = listOf("addresses", given.addresses, (name, item) =>
    addressOf(name, item, "with or without a mask"),
  );
  if (addresses.length === 0) throw new OptionError("addresses", "at least one address of ours inside the tunnel");
  if (given.memory !== undefined) checkInteger("memory", given.memory, MEMORY_LEAST, MEMORY_MOST);
  if (given.tap !== undefined) checkFunction("tap", given.tap);
  const device: Record<string, unknown> = {};
  for (const name of DEVICE_NAMES) if (given[name] !== undefined) device[name] = given[name];
  return {
    addresses,
    servers: listOf("dns", given.dns, (name, item) => addressOf(name, item, "alone")),
    search: listOf("searchDomains", given.searchDomains, domainOf),
    hosts: hostsOf(given.hosts),
    prefer: preferOf(given.prefer),
    mtu: given.mtu === undefined ? undefined : checkMtu(given.mtu),
    memory: given.memory as number | undefined,
    tap: given.tap as PacketTap | undefined,
    device: { lookup: "system", ...device } as unknown as Omit<DeviceOptions, "tun">,
  };
}

const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Of a call that waits for something. @throws OptionError */
export function readWaitOptions(options: unknown, names: readonly ("signal" | "timeoutMs")[]): WaitOptions {
  const { signal, timeoutMs } = readOptions<"signal" | "timeoutMs">("options", options, names);
  if (signal !== undefined) checkSignal(signal);
  if (timeoutMs !== undefined) checkInteger("timeoutMs", timeoutMs, 1, TIMEOUT_MS_MAX);
  return { signal: signal as AbortSignal | undefined, timeoutMs };
}

/** @throws OptionError */
export function checkHost(value: unknown): asserts value is string {
  if (typeof value !== "string" || value === "") throw new OptionError("host", "a name or an address");
}

/** What a configuration says, and what the program adds. @throws OptionError */
export function networkOf(config: Config, options: unknown = {}): NetworkOptions {
  const given = readOptions("options", options, CONFIG_NAMES) as NetworkConfigOptions;
  const { privateKey, peers, addresses, listenPort, mtu, dnsServers, searchDomains } = config;
  return { dns: dnsServers, searchDomains, listenPort, mtu, ...given, privateKey, peers, addresses };
}
