/**
 * macOS as `up`, `down` and `save` see it: ifconfig, route and networksetup, in the words that wg-quick has for them there. The kernel names
 * the interface, and a file beside the tunnel's socket says which one a configuration has. Nobody has run it on a Mac.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { socketFolder, socketPath } from "../../../uapi/socket-path.ts";
import { CliError } from "../../command-errors.ts";
import type { ShownDevice } from "../../show/shown-device.ts";
import type { ConfigFile } from "../file.ts";
import { echo, hasProgram } from "../shell.ts";
import { startDaemon } from "../start.ts";
import type { Present, QuickSystem, Tunnel } from "../system.ts";
import { waitUntil } from "../wait-until.ts";
import { setServices } from "./dns.ts";
import { routeEndpoints } from "./endpoint-routes.ts";
import { startFollowing } from "./follow.ts";
import { undoChanges } from "./follower.ts";
import { addAddress, addressesIn, describe, mtuIn, setAutomaticMtu } from "./interface.ts";
import { familyOf, NEEDED, type Programs, SYSTEM_PROGRAMS } from "./programs.ts";
import { NetworkRecord } from "./record.ts";

/** Any that is free. */
const ANY = "utun";
/** A default route is two, more specific than the one that is there, which stays as it is. */
const HALVES = { inet: ["0.0.0.0/1", "128.0.0.0/1"], inet6: ["::/1", "8000::/1"] } as const;
const TABLES = ["auto", "main", "off"];
/** The name is written just before the socket is made; what is further apart is of different starts. */
const SAME_START_MS = 2000;

const namePath = (name: string): string => `${socketFolder()}/${name}.name`;

export class MacosQuick implements QuickSystem {
  readonly namesInterfaces = "the system";
  readonly #programs: Programs;
  readonly #startFollowing: typeof startFollowing;
  /** Of this `up`. */
  #record: NetworkRecord | undefined;

  constructor(programs: Programs = SYSTEM_PROGRAMS, starts: typeof startFollowing = startFollowing) {
    this.#programs = programs;
    this.#startFollowing = starts;
  }

  require(command: string, file: string): void {
    if (process.getuid?.() !== 0) {
      throw new CliError(`${command} must be run as root`, `Try: sudo wasmguard ${command} ${file}`);
    }
    const missing = NEEDED.find((name) => !hasProgram(name));
    if (missing !== undefined) {
      throw new CliError(`there is no program \`${missing}'`, "PATH should have /sbin and /usr/sbin");
    }
  }

  async find(name: string): Promise<string | undefined> {
    const told = statSync(namePath(name), { throwIfNoEntry: false });
    if (told === undefined) return undefined;
    const interfaceName = readFileSync(namePath(name), "utf8").trim();
    if (!/^utun\d+$/.test(interfaceName)) return undefined;
    const socket = statSync(socketPath(interfaceName), { throwIfNoEntry: false });
    if (!socket?.isSocket() || Math.abs(socket.mtimeMs - told.mtimeMs) >= SAME_START_MS) return undefined;
    return (await describe(this.#programs, interfaceName)) === "" ? undefined : interfaceName;
  }

  async start(config: ConfigFile): Promise<string> {
    const { name, system } = config;
    if (!TABLES.includes(system.table)) {
      throw new CliError(`macOS has no routing table ${system.table}`, `Table is one of ${TABLES.join(", ")} there`);
    }
    await this.cleanUp(config);
    mkdirSync(socketFolder(), { recursive: true, mode: 0o700 });
    process.env.WG_TUN_NAME_FILE = namePath(name);
    try {
      // There is nothing that could confine it, and it would not start without being told that this is known.
      await startDaemon(["--no-confine"], ANY, this.#programs);
    } catch (error) {
      // Interrupted, perhaps when it was there already.
      const started = await this.find(name);
      if (started !== undefined) await this.remove({ config, interfaceName: started });
      throw error;
    } finally {
      delete process.env.WG_TUN_NAME_FILE;
    }
    const interfaceName = await this.find(name);
    if (interfaceName === undefined) {
      throw new CliError(`the tunnel did not say in ${namePath(name)} which interface it has`, "See its log");
    }
    echo(`the interface for ${name} is ${interfaceName}`);
    return interfaceName;
  }

  addAddress(interfaceName: string, address: string): Promise<void> {
    return addAddress(this.#programs, interfaceName, address);
  }

  async bringUp({ name }: ShownDevice, mtu: string | undefined): Promise<void> {
    if (mtu === undefined) await setAutomaticMtu(this.#programs, name);
    else await this.#programs.run(["ifconfig", name, "mtu", mtu]);
    await this.#programs.run(["ifconfig", name, "up"]);
  }

  async setDns(tunnel: Tunnel): Promise<void> {
    if (tunnel.config.system.dnsServers.length > 0) await setServices(this.#programs, this.#recordOf(tunnel));
  }

  async addRoute(tunnel: Tunnel, device: ShownDevice, prefix: string, table: string): Promise<void> {
    const family = familyOf(prefix);
    if (!prefix.endsWith("/0") || table !== "auto") return this.#addRoute(device.name, prefix);
    const record = this.#recordOf(tunnel);
    record.changes.families.push(family);
    // Before, or the tunnel's own packets would go into it for a moment.
    await routeEndpoints(
      this.#programs,
      record,
      device.peers.flatMap((peer) => peer.endpoint ?? []),
    );
    for (const half of HALVES[family]) await this.#addRoute(device.name, half);
  }

  /** Unless it is there already. */
  async #addRoute(interfaceName: string, prefix: string): Promise<void> {
    const family = `-${familyOf(prefix)}`;
    const present = await this.#programs.ask("route", "-n", "get", family, prefix);
    if (/^\s*interface: (\S+)$/m.exec(present)?.[1] === interfaceName) return;
    await this.#programs.run(["route", "-q", "-n", "add", family, prefix, "-interface", interfaceName]);
  }

  #recordOf({ config, interfaceName }: Tunnel): NetworkRecord {
    const { dnsServers: servers, dnsSearch: search, mtu } = config.system;
    this.#record ??= NetworkRecord.create(config.name, {
      interfaceName,
      dns: servers.length > 0 ? { servers, search } : undefined,
      mtu: mtu === undefined ? "automatic" : "given",
      families: [],
      endpoints: {},
      services: {},
    });
    return this.#record;
  }

  async follow({ config }: Tunnel): Promise<void> {
    if (this.#record === undefined) return;
    this.#record.release();
    this.#record = undefined;
    echo(`follow the network for ${config.name} in the background`);
    await this.#startFollowing(config.name);
  }

  async undo({ config }: Tunnel): Promise<void> {
    const record = this.#record ?? (await NetworkRecord.take(config.name));
    if (record !== undefined) await undoChanges(this.#programs, record);
  }

  async remove({ config, interfaceName }: Tunnel): Promise<void> {
    for (const path of [socketPath(interfaceName), namePath(config.name)]) {
      echo(`rm -f ${path}`);
      rmSync(path, { force: true });
    }
    await waitUntil(async () => (await describe(this.#programs, interfaceName)) === "");
  }

  async cleanUp({ name }: ConfigFile): Promise<boolean> {
    const record = await NetworkRecord.take(name);
    if (record !== undefined) await undoChanges(this.#programs, record);
    const any = record !== undefined || existsSync(namePath(name));
    rmSync(namePath(name), { force: true });
    return any;
  }

  async present({ config, interfaceName }: Tunnel): Promise<Present> {
    const { addresses, dnsServers, dnsSearch } = config.system;
    const description = await describe(this.#programs, interfaceName);
    // macOS gives an interface an address of its link by itself.
    const given = new Set(addresses);
    return {
      addresses: addressesIn(description).filter((address) => !address.startsWith("fe80:") || given.has(address)),
      dns: [...dnsServers, ...dnsSearch],
      mtu: mtuIn(description),
    };
  }
}
