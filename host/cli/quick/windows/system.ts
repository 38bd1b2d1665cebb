/**
 * Windows as `up`, `down` and `save` see it: IP Helper for what the interface has, the control pipe to end the daemon. Interface, addresses and
 * routes go with the daemon's process.
 */
import type { AllowedIp } from "../../../address/allowed-ip.ts";
import { ascii } from "../../../address/ascii.ts";
import { formatAddress, parseAddress, parsePrefix } from "../../../address/ip.ts";
import { readInterfaceAddress } from "../../../config/interface-address.ts";
import { HOOKS } from "../../../config/settings.ts";
import { openWin32, type Win32 } from "../../../ffi/windows/win32.ts";
import { DEFAULT_MTU } from "../../../os/mtu.ts";
import { isAdministrator } from "../../../os/windows/administrator.ts";
import { createSecretFile, replaceFile } from "../../../os/windows/file-replacement.ts";
import { familyOf } from "../../../os/windows/inet-address.ts";
import { findInterface, type InterfaceSettings } from "../../../os/windows/interface-settings.ts";
import { isTunnelUp, requestStop } from "../../../uapi/client.ts";
import { CliError, describeError } from "../../command-errors.ts";
import { spawnBeside } from "../../launch/beside.ts";
import type { OptionValues, WINDOWS_QUICK_OPTIONS } from "../../option-table.ts";
import { complain } from "../../print.ts";
import { fetchDevice, type ShownDevice, wipeDevice } from "../../show/shown-device.ts";
import type { ConfigFile } from "../file.ts";
import { checkInterruption, echo } from "../shell.ts";
import type { Present, QuickSystem, Replacement, Tunnel } from "../system.ts";
import { waitUntil } from "../wait-until.ts";
import { type HookPolicy, hookPolicy, runByCmd } from "./hooks.ts";

/** IPv6, UDP and WireGuard headers around a packet. */
const OVERHEAD_BYTES = 80;
/** Windows takes its time to remove an interface. */
const END_TIMEOUT_MS = 15_000;
const PAGE = { initial: 1, maximum: 1, shared: true } as const;

export type WindowsQuickOptions = OptionValues<typeof WINDOWS_QUICK_OPTIONS>;

export class WindowsQuick implements QuickSystem {
  readonly namesInterfaces = "the configuration";
  readonly replacement: Replacement = {
    create: (path) => createSecretFile(this.#win, path),
    replace: (path, by) => replaceFile(this.#win, path, by),
  };
  readonly setsDns = "before routes";
  readonly #win: Win32;
  /** Options of the daemon. */
  readonly #driver: readonly string[];
  readonly #hooks: HookPolicy;

  /** @throws WindowsRuntimeError, UsageError */
  static async open(options: WindowsQuickOptions): Promise<WindowsQuick> {
    const hooks = hookPolicy(options.hooks);
    return new WindowsQuick(await openWin32(new WebAssembly.Memory(PAGE)), driverOptions(options), hooks);
  }

  private constructor(win: Win32, driver: readonly string[], hooks: HookPolicy) {
    this.#win = win;
    this.#driver = driver;
    this.#hooks = hooks;
  }

  require(command: string): void {
    if (isAdministrator(this.#win)) return;
    throw new CliError(
      `${command} must be run as an administrator`,
      'Start it from a terminal that was opened with "Run as administrator"',
    );
  }

  check({ path, system }: ConfigFile): void {
    const { hooks, table } = system;
    if (table !== "auto" && table !== "off") {
      throw new CliError(`${path} has Table = ${table}, and Windows has one table`, "Write Table = auto, or off");
    }
    const present = HOOKS.filter((hook) => hooks[hook].length > 0);
    if (this.#hooks !== "refuse" || present.length === 0) return;
    throw new CliError(
      `${path} has ${present.join(", ")}, and whoever wrote those would have an administrator's rights here`,
      "Do without them: --hooks skip; or have cmd.exe run them, which a service never does: --hooks run",
    );
  }

  async runHook(script: string, tunnel: Tunnel): Promise<string | undefined> {
    if (this.#hooks === "run") return runByCmd(script, tunnel, this.#win.systemFolder);
    complain("Warning: that was skipped.\n");
    return undefined;
  }

  async find(name: string): Promise<string | undefined> {
    return findInterface(this.#win, name) === undefined ? undefined : name;
  }

  #settings(interfaceName: string): InterfaceSettings {
    checkInterruption();
    const settings = findInterface(this.#win, interfaceName);
    if (settings !== undefined) return settings;
    throw new CliError(`${interfaceName} has gone`, "See its log: LOG_LEVEL=verbose");
  }

  async start({ name }: ConfigFile): Promise<string> {
    const words = ["--no-confine", ...this.#driver, "--", name];
    echo(`wasmguard ${words.join(" ")}`);
    const warn = (message: string): void => complain(`wasmguard: ${message}\n`);
    const keepsLog = Boolean(process.env.LOG_LEVEL) && process.env.LOG_LEVEL !== "silent";
    await spawnBeside({ interfaceName: name, keepsLog, warn }, words);
    return name;
  }

  async addAddress(interfaceName: string, address: string): Promise<void> {
    echo(`add the address ${address} to ${interfaceName}`);
    this.#settings(interfaceName).addAddress(addressOf(address));
  }

  async bringUp(device: ShownDevice, mtu: string | undefined): Promise<void> {
    const settings = this.#settings(device.name);
    const endpoints = device.peers.flatMap(({ endpoint }) => hostOf(endpoint) ?? []);
    const outer = mtu === undefined ? settings.outerMtu(endpoints) : undefined;
    const bytes = mtu === undefined ? (outer ?? DEFAULT_MTU + OVERHEAD_BYTES) - OVERHEAD_BYTES : Number(mtu);
    echo(`set the MTU of ${device.name} to ${bytes}`);
    settings.setLink(bytes);
  }

  async setDns({ config, interfaceName }: Tunnel): Promise<void> {
    const { dnsServers, dnsSearch } = config.system;
    if (dnsServers.length === 0) return;
    echo(`set the DNS servers of ${interfaceName} to ${[...dnsServers, ...dnsSearch].join(", ")}`);
    const servers = dnsServers.flatMap((server) => numeric(server) ?? []);
    this.#settings(interfaceName).setDns(servers, dnsSearch);
  }

  async addRoute({ interfaceName }: Tunnel, _device: ShownDevice, prefix: string): Promise<void> {
    echo(`add a route to ${prefix} through ${interfaceName}`);
    const destination = prefixOf(prefix);
    this.#settings(interfaceName).addRoute(destination);
    // It may be all, or the half that was missing.
    if (destination.prefix > 1) return;
    // Whom it answers has had it look where its own datagrams leave.
    wipeDevice(await fetchDevice(interfaceName));
    if (destination.prefix === 0) this.#settings(interfaceName).comeFirst(familyOf(destination.address));
  }

  /** Windows keeps DNS servers for an interface that has gone. */
  async undo({ config, interfaceName }: Tunnel): Promise<void> {
    if (config.system.dnsServers.length === 0) return;
    try {
      findInterface(this.#win, interfaceName)?.setDns([], []);
    } catch (error) {
      complain(`Warning: the DNS servers of ${interfaceName} stay: ${describeError(error)}\n`);
    }
  }

  async remove({ interfaceName }: Tunnel): Promise<void> {
    if (!(await isTunnelUp(interfaceName))) return;
    echo(`end ${interfaceName}`);
    await requestStop(interfaceName);
    const hasGone = async (): Promise<boolean> =>
      findInterface(this.#win, interfaceName) === undefined && !(await isTunnelUp(interfaceName));
    await waitUntil(hasGone, END_TIMEOUT_MS);
    if (await hasGone()) return;
    throw new CliError(`${interfaceName} is still there, though its daemon was asked to end`, "End its process");
  }

  async cleanUp(): Promise<boolean> {
    return false;
  }

  async present({ config, interfaceName }: Tunnel): Promise<Present> {
    const settings = this.#settings(interfaceName);
    const { dnsServers, dnsSearch } = config.system;
    return {
      addresses: settings.addresses().map(({ address, prefix }) => `${formatAddress(address)}/${prefix}`),
      dns: [...dnsServers, ...dnsSearch],
      mtu: settings.mtu()?.toString(),
    };
  }
}

function driverOptions({ wintun, "allow-unsigned-wintun": unsigned }: WindowsQuickOptions): string[] {
  return [...(wintun === undefined ? [] : ["--wintun", wintun]), ...(unsigned ? ["--allow-unsigned-wintun"] : [])];
}

function numeric(text: string): Uint8Array | undefined {
  const bytes = ascii(text);
  return parseAddress(bytes, 0, bytes.length);
}

/** `192.0.2.1:51820`, `[2001:db8::1]:51820` */
function hostOf(endpoint: string | undefined): Uint8Array | undefined {
  const [, host] = /^\[?([^\]%]+)(?:%[^\]]*)?\]?:\d+$/.exec(endpoint ?? "") ?? [];
  return host === undefined ? undefined : numeric(host);
}

function prefixOf(text: string): AllowedIp {
  const bytes = ascii(text);
  const prefix = parsePrefix(bytes, 0, bytes.length);
  if (prefix !== undefined) return prefix;
  throw new CliError(`${text} is not an address with the length of its prefix`, "Write it as 10.0.0.1/24");
}

/** As a configuration has it: in all forms that it may have, perhaps without a mask. */
function addressOf(text: string): AllowedIp {
  return prefixOf(readInterfaceAddress(text) ?? text);
}
