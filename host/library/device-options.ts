/** What a device is made of, as a program writes it; checked as a whole before anything is loaded or opened. */
import type { Signal } from "../ambient.ts";
import type { Bind } from "../event/bind.ts";
import { OptionError } from "../event/device-errors.ts";
import type { Lookup } from "../event/lookup.ts";
import { checkMtu } from "../event/mtu.ts";
import { checkFunction, checkInteger, checkList, checkMethods, checkSignal, readOptions } from "../event/options.ts";
import { system } from "../event/system.ts";
import type { Tun } from "../event/tun.ts";
import type { DebugHook } from "./device-events.ts";
import { secretKey } from "./device-keys.ts";
import type { EndpointReader } from "./endpoint-option.ts";
import { type ParsedPeer, type PeerConfig, parsePeer } from "./peer-config.ts";

export interface DeviceLimits {
  /** Peers the device may have. */
  readonly maxPeers?: number | undefined;
  /** Entries in all lists of allowed IPs together. */
  readonly maxAllowedIps?: number | undefined;
}

const DRIVERS = ["auto", "ffi", "portable"] as const;
export type Driver = (typeof DRIVERS)[number];

export interface DeviceOptions {
  /** 32 bytes. The caller wipes its own copy. */
  readonly privateKey: Uint8Array;
  /** Packets of this machine's side. Closed together with the device. */
  readonly tun: Tun;
  /** Datagrams of the network's side; UDP sockets by default. Closed together with the device. */
  readonly bind?: Bind | undefined;
  /**
   * Who carries datagrams where there is no `bind`: "ffi", Linux's own batches of them by FFI; "portable", the runtime's UDP sockets;
   * "auto", the default, FFI where it can be had.
   */
  readonly driver?: Driver | undefined;
  /** UDP port; 0, the default, takes a free one. */
  readonly listenPort?: number | undefined;
  /** Largest packet inside, in bytes; by default what the Tun says, or 1420. */
  readonly mtu?: number | undefined;
  readonly peers?: readonly PeerConfig[] | undefined;
  readonly limits?: DeviceLimits | undefined;
  /** Looks up the names in endpoints, or "system" for the system's resolver. Without it endpoints are numeric. */
  readonly lookup?: Lookup | "system" | undefined;
  /** Closes the device when it is aborted. */
  readonly signal?: Signal | undefined;
  /** Is told in a line each what happens. No line holds a secret. */
  readonly debug?: DebugHook | undefined;
}

/** What a configuration does not say. */
export type ConfigOptions = Omit<DeviceOptions, "privateKey" | "peers">;

const CONFIG_NAMES = ["tun", "bind", "driver", "listenPort", "mtu", "limits", "lookup", "signal", "debug"] as const;
const NAMES = ["privateKey", "peers", ...CONFIG_NAMES] as const;

/** @throws OptionError */
export function readConfigOptions(options: unknown): object {
  return readOptions("options", options, CONFIG_NAMES);
}

export interface ParsedOptions {
  /** Copies, which `wipe` clears: the caller may wipe its own at once. */
  readonly privateKey: Uint8Array;
  readonly peers: readonly ParsedPeer[];
  readonly tun: Tun;
  readonly bind: Bind | undefined;
  readonly driver: Driver;
  readonly listenPort: number;
  readonly mtu: number | undefined;
  readonly limits: DeviceLimits;
  readonly lookup: Lookup | undefined;
  readonly signal: Signal | undefined;
  readonly debug: DebugHook | undefined;
}

/** @throws KeyError, OptionError, EndpointError, AllowedIpError */
export function parseOptions(options: unknown): ParsedOptions {
  const given = readOptions("options", options, NAMES);
  const tun = checkTun(given.tun);
  if (given.bind !== undefined) {
    checkMethods("bind", given.bind, ["open", "send", "close"], ["sendTrain", "move", "ref", "unref"]);
  }
  const { listenPort = 0, debug } = given;
  const driver = parseDriver(given.driver, given.bind);
  checkInteger("listenPort", listenPort, 0, 0xffff);
  if (debug !== undefined) checkFunction("debug", debug);
  const mtu = checkMtu(given.mtu === undefined ? tun.mtu : given.mtu);
  const limits = readOptions("limits", given.limits === undefined ? {} : given.limits, ["maxPeers", "maxAllowedIps"]);
  const lookup = parseLookup(given.lookup);
  const reader: EndpointReader = { zones: system().zones, names: lookup === undefined ? "refused" : "taken" };
  const privateKey = secretKey("privateKey", given.privateKey);
  const list = given.peers === undefined ? [] : checkList("peers", given.peers, "peers");
  const peers = list.map((peer, index) => parsePeer(`peers[${index}]`, peer, reader));
  if (given.signal !== undefined) checkSignal(given.signal);
  return {
    // Nothing of the program's own runs any more, and nothing else throws: no copy is left behind.
    ...copies(privateKey, peers),
    tun: tun.itself,
    bind: given.bind as Bind | undefined,
    driver,
    listenPort,
    mtu,
    limits: limits as DeviceLimits,
    lookup,
    signal: given.signal,
    debug: debug as DebugHook | undefined,
  };
}

export function wipe({ privateKey, peers }: ParsedOptions): void {
  privateKey.fill(0);
  for (const { presharedKey } of peers) presharedKey?.fill(0);
}

/** The secrets as they are now: getters of other options may have changed or detached them. @throws KeyError; all copies are wiped then */
function copies(privateKey: Uint8Array, peers: readonly ParsedPeer[]): Pick<ParsedOptions, "privateKey" | "peers"> {
  const made: Uint8Array[] = [];
  const copy = (name: "privateKey" | "presharedKey", key: Uint8Array): Uint8Array => {
    const one = secretKey(name, key).slice();
    made.push(one);
    return one;
  };
  try {
    return {
      privateKey: copy("privateKey", privateKey),
      peers: peers.map((peer) =>
        peer.presharedKey ? { ...peer, presharedKey: copy("presharedKey", peer.presharedKey) } : peer,
      ),
    };
  } catch (error) {
    for (const one of made) one.fill(0);
    throw error;
  }
}

/** @returns it, and what it says of itself, which getters may refuse to. @throws OptionError */
function checkTun(given: unknown): { itself: Tun; mtu: unknown } {
  const possible = ["give", "pause", "resume", "ref", "unref", "sessionsChanged"];
  checkMethods("tun", given, ["open", "write", "close"], possible);
  const itself = given as Tun;
  try {
    const { mtu, superpackets, sharesBuffers } = itself;
    for (const [name, value] of Object.entries({ superpackets, sharesBuffers })) {
      if (value !== undefined && typeof value !== "boolean")
        throw new OptionError(`${name} of the tun`, "true or false");
    }
    return { itself, mtu };
  } catch (cause) {
    if (cause instanceof OptionError) throw cause;
    throw new OptionError("tun", "an object whose properties can be read", cause);
  }
}

function parseDriver(given: unknown, bind: unknown): Driver {
  if (given === undefined) return "auto";
  if (given === "ffi" && bind !== undefined)
    throw new OptionError("driver", '"auto" or "portable" where there is a bind');
  if (!DRIVERS.includes(given as Driver)) throw new OptionError("driver", '"auto", "ffi" or "portable"');
  return given as Driver;
}

function parseLookup(given: unknown): Lookup | undefined {
  if (given === undefined) return undefined;
  if (given === "system") {
    const { lookup } = system();
    if (lookup === undefined) throw new OptionError("lookup", "a function: this system has no resolver for programs");
    return lookup;
  }
  if (typeof given !== "function") throw new OptionError("lookup", 'a function, or "system"');
  return given as Lookup;
}
