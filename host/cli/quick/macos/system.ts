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
import { restoreServices, setServices, unsettable } from "./dns.ts";
import { routeEndpoints } from "./endpoint-routes.ts";
import { startFollowing } from "./follow.ts";
import { undoChanges } from "./follower.ts";
import { addAddress, addressesIn, describe, isThere, mtuIn, setAutomaticMtu } from "./interface.ts";
import { familyOf, NEEDED, type Programs, SYSTEM_PROGRAMS } from "./programs.ts";
import { NetworkRecord, otherWithDns } from "./record.ts";
import { routeInto } from "./routes.ts";

/** Any that is free. */
const ANY = "utun";
/** A default route is two, more specific than the one that is there, which stays as it is. */
const HALVES = { inet: ["0.0.0.0/1", "128.0.0.0/1"], inet6: ["::/1", "8000::/1"] } as const;
const TABLES = ["auto", "main", "off"];
/** The name is written just before the socket is made; what is further apart is of different starts. */
const SAME_START_MS = 2000;

const namePath = (name: string): string => `${socketFolder()}/${name}.name`;

/** Of the file, whatever became of it. */
function toldName(name: string): string | undefined {
  const text = existsSync(namePath(name)) ? readFileSync(namePath(name), "utf8").trim() : "";
  return /^utun\d+$/.test(text) ? text : undefined;
}

export class MacosQuick implements QuickSystem {
  readonly namesInterfaces = "the system";
  /** Those of the tunnel would be asked in the clear before. */
  readonly setsDns = "after routes";
  readonly #programs: Programs;
  readonly #startFollowing: typeof startFollowing;
  /** Of this command, from when it sets or undoes something on. */
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

  check({ path, system }: ConfigFile): void {
    const { table, dnsServers: servers, dnsSearch: search } = system;
    if (!TABLES.includes(table)) {
      throw new CliError(`macOS has no routing table ${table}`, `Table is one of ${TABLES.join(", ")} there`);
    }
    const word = unsettable({ servers, search });
    if (word === undefined) return;
    throw new CliError(`${path} has DNS = ${word}, which macOS would take for something else`, "Correct it");
  }

  async find(name: string): Promise<string | undefined> {
    const told = statSync(namePath(name), { throwIfNoEntry: false });
    const interfaceName = toldName(name);
    if (told === undefined || interfaceName === undefined) return undefined;
    const socket = statSync(socketPath(interfaceName), { throwIfNoEntry: false });
    if (!socket?.isSocket() || Math.abs(socket.mtimeMs - told.mtimeMs) >= SAME_START_MS) return undefined;
    return (await isThere(interfaceName)) ? interfaceName : undefined;
  }

  async start(config: ConfigFile): Promise<string> {
    const { name, system } = config;
    const other = system.dnsServers.length > 0 ? otherWithDns(name) : undefined;
    if (other !== undefined) {
      throw new CliError(`${other} has set its DNS servers, and ${name} has some, too`, `Try: wasmguard down ${other}`);
    }
    await this.cleanUp(config);
    mkdirSync(socketFolder(), { recursive: true, mode: 0o700 });
    process.env.WG_TUN_NAME_FILE = namePath(name);
    try {
      // There is nothing that could confine it, and it would not start without being told that this is known.
      await startDaemon(["--no-confine"], ANY, this.#programs);
      const interfaceName = await this.find(name);
      if (interfaceName === undefined) {
        throw new CliError(`the tunnel did not say in ${namePath(name)} which interface it has`, "See its log");
      }
      echo(`the interface for ${name} is ${interfaceName}`);
      return interfaceName;
    } catch (error) {
      // Interrupted, perhaps, when it was there already.
      const started = toldName(name);
      if (started !== undefined) await this.remove({ config, interfaceName: started });
      throw error;
    } finally {
      delete process.env.WG_TUN_NAME_FILE;
    }
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
    if (tunnel.config.system.dnsServers.length > 0) await setServices(this.#programs, await this.#recordOf(tunnel));
  }

  async addRoute(tunnel: Tunnel, device: ShownDevice, prefix: string, table: string): Promise<void> {
    const family = familyOf(prefix);
    if (!prefix.endsWith("/0") || table !== "auto") return routeInto(this.#programs, device.name, prefix);
    const record = await this.#recordOf(tunnel);
    record.changes.families.push(family);
    // Before, or the tunnel's own packets would go into it for a moment.
    await routeEndpoints(
      this.#programs,
      record,
      device.peers.flatMap((peer) => peer.endpoint ?? []),
    );
    for (const half of HALVES[family]) await routeInto(this.#programs, device.name, half);
  }

  /** With what an earlier tunnel could not undo. */
  async #recordOf({ config, interfaceName }: Tunnel): Promise<NetworkRecord> {
    if (this.#record !== undefined) return this.#record;
    const { dnsServers: servers, dnsSearch: search, mtu } = config.system;
    const left = await NetworkRecord.take(config.name);
    this.#record = NetworkRecord.create(config.name, {
      interfaceName,
      dns: servers.length > 0 ? { servers, search } : undefined,
      mtu: mtu === undefined ? "automatic" : "given",
      families: [],
      endpoints: left?.changes.endpoints ?? {},
      services: left?.changes.services ?? {},
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

  /** Not yet the routes to endpoints: while the interface is there the tunnel's own packets would go into it. */
  async undo({ config }: Tunnel): Promise<void> {
    this.#record ??= await NetworkRecord.take(config.name);
    if (this.#record !== undefined) await restoreServices(this.#programs, this.#record);
  }

  async remove({ config, interfaceName }: Tunnel): Promise<void> {
    for (const path of [socketPath(interfaceName), namePath(config.name)]) {
      echo(`rm -f ${path}`);
      rmSync(path, { force: true });
    }
    await waitUntil(async () => (await describe(this.#programs, interfaceName)) === "");
    if (this.#record !== undefined) await undoChanges(this.#programs, this.#record);
    this.#record = undefined;
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
