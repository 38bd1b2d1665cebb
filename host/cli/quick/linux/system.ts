/** Linux as `up`, `down` and `save` see it: iproute2, resolvconf, nft or iptables. */
import { existsSync, rmSync } from "node:fs";
import { isTunnelUp } from "../../../uapi/client.ts";
import { socketPath } from "../../../uapi/socket-path.ts";
import { CliError } from "../../command-errors.ts";
import { fetchDevice, type ShownDevice, wipeDevice } from "../../show/shown-device.ts";
import type { ConfigFile } from "../file.ts";
import { ask, attempt, hasProgram, run } from "../shell.ts";
import { startDaemon } from "../start.ts";
import type { Present, QuickSystem, Tunnel } from "../system.ts";
import { waitUntil } from "../wait-until.ts";
import { presentDns, setDns, unsetDns } from "./dns.ts";
import { removeFirewall } from "./firewall.ts";
import { automaticMtu } from "./mtu.ts";
import { addRoute, deadTables, removeRules, removeRulesOf } from "./routes.ts";

/** Any of that name, be it a tunnel's or not. */
async function exists(interfaceName: string): Promise<boolean> {
  return (await ask("ip", "link", "show", "dev", interfaceName)) !== "";
}

async function removeDeadRules(): Promise<void> {
  for (const table of await deadTables()) await removeRulesOf(table);
}

export class LinuxQuick implements QuickSystem {
  readonly namesInterfaces = "the configuration";
  readonly setsDns = "before routes";

  require(command: string, file: string): void {
    if (process.getuid?.() !== 0) {
      throw new CliError(`${command} must be run as root`, `Try: sudo wasmguard ${command} ${file}`);
    }
    if (!hasProgram("ip")) throw new CliError("there is no program `ip'", "Install iproute2");
  }

  async find(name: string): Promise<string | undefined> {
    return (await exists(name)) || (await isTunnelUp(name)) ? name : undefined;
  }

  async start({ name }: ConfigFile): Promise<string> {
    await startDaemon([], name);
    return name;
  }

  addAddress(interfaceName: string, address: string): Promise<void> {
    const flag = address.includes(":") ? "-6" : "-4";
    return run(["ip", flag, "address", "add", address, "dev", interfaceName]);
  }

  async bringUp(device: ShownDevice, mtu: string | undefined): Promise<void> {
    const bytes = mtu ?? (await automaticMtu(device.peers.flatMap((peer) => peer.endpoint ?? [])));
    await run(["ip", "link", "set", "mtu", String(bytes), "up", "dev", device.name]);
  }

  setDns({ config, interfaceName }: Tunnel): Promise<void> {
    return setDns(interfaceName, config.system);
  }

  addRoute(_tunnel: Tunnel, device: ShownDevice, prefix: string, table: string): Promise<void> {
    return addRoute(device, prefix, table);
  }

  async undo({ config, interfaceName }: Tunnel): Promise<void> {
    await unsetDns(interfaceName, config.system);
    await removeFirewall(interfaceName);
    // Elsewhere its mark may be that of another tunnel here.
    if (!(await exists(interfaceName))) return removeDeadRules();
    const device = await fetchDevice(interfaceName).catch(() => undefined);
    if (device === undefined) return;
    wipeDevice(device);
    await removeRules(device, config.system.table);
  }

  async remove({ interfaceName }: Tunnel): Promise<void> {
    if (await exists(interfaceName)) {
      await attempt(["ip", "link", "delete", "dev", interfaceName]);
      return waitUntil(() => !existsSync(socketPath(interfaceName)));
    }
    if (!(await isTunnelUp(interfaceName))) return;
    throw new CliError(`${interfaceName} is still up, perhaps in another network namespace`, "Delete it there");
  }

  async cleanUp({ name, system }: ConfigFile): Promise<boolean> {
    // The socket of a daemon that lives is its life.
    if (await isTunnelUp(name)) return false;
    let any = await removeFirewall(name);
    if (system.table === "auto") {
      for (const table of await deadTables()) {
        await removeRulesOf(table);
        any = true;
      }
    }
    const socket = socketPath(name);
    if (existsSync(socket)) {
      rmSync(socket, { force: true });
      any = true;
    }
    if (any) await unsetDns(name, system);
    return any;
  }

  async present({ config, interfaceName }: Tunnel): Promise<Present> {
    // Elsewhere it cannot be asked.
    if (!(await exists(interfaceName))) {
      const { addresses, mtu } = config.system;
      return { addresses, dns: await presentDns(interfaceName, config.system), mtu };
    }
    const line = await ask("ip", "-all", "-brief", "address", "show", "dev", interfaceName);
    const [, , ...addresses] = line.trim().split(/\s+/);
    const dns = await presentDns(interfaceName, config.system);
    return { addresses, dns, mtu: /mtu (\d+)/.exec(await ask("ip", "link", "show", "dev", interfaceName))?.[1] };
  }
}
