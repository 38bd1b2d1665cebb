/**
 * `wasmguard up`: the steps of `wg-quick up`, in its order. What was done is undone when a step fails.
 */

import { type TunnelSettings, wipeSettings } from "../../config/settings.ts";
import { CliError } from "../errors.ts";
import { selfCommand } from "../launch/command.ts";
import { fetchDevice, wipeDevice } from "../show/device.ts";
import { setDns } from "./dns.ts";
import { tearDown } from "./down.ts";
import { resolveEndpoint } from "./endpoint.ts";
import type { ConfigFile } from "./file.ts";
import { automaticMtu } from "./mtu.ts";
import { applyRequest, setRequest } from "./request.ts";
import { addRoutes } from "./routes.ts";
import { ask, checkInterruption, deferSignals, echo, run, runAs, runHooks } from "./shell.ts";

/** Start the tunnel: this program, or the one that the environment names. */
async function startTunnel(interfaceName: string): Promise<void> {
  const other = process.env.WG_QUICK_USERSPACE_IMPLEMENTATION;
  if (other) return run([other, interfaceName]);
  // As a program of its own: whoever starts a daemon enters its sandbox, and hooks could do nothing there.
  const { program, args } = selfCommand(["--", interfaceName]);
  return runAs(`wasmguard ${interfaceName}`, [program, ...args]);
}

async function configure(interfaceName: string, tunnel: TunnelSettings): Promise<void> {
  const endpoints: (string | undefined)[] = [];
  for (const { endpoint } of tunnel.peers) {
    endpoints.push(endpoint && (await resolveEndpoint(endpoint.host, endpoint.port)));
    checkInterruption();
  }
  echo(`configure ${interfaceName}: ${tunnel.peers.length} peers`);
  await applyRequest(interfaceName, setRequest(tunnel, endpoints));
}

async function applySystem({ interfaceName, settings: { system } }: ConfigFile): Promise<void> {
  for (const address of system.addresses) {
    const flag = address.includes(":") ? "-6" : "-4";
    await run(["ip", flag, "address", "add", address, "dev", interfaceName]);
  }
  const device = await fetchDevice(interfaceName);
  wipeDevice(device);
  const mtu = system.mtu ?? (await automaticMtu(device.peers.flatMap((peer) => peer.endpoint ?? [])));
  await run(["ip", "link", "set", "mtu", String(mtu), "up", "dev", interfaceName]);
  await setDns(interfaceName, system);
  await addRoutes(device, system.table);
}

/** @throws CliError and what else its steps throw; nothing but the effects of PreUp remains then */
export async function bringUp(config: ConfigFile): Promise<void> {
  const { interfaceName, settings } = config;
  if ((await ask("ip", "link", "show", "dev", interfaceName)) !== "") {
    throw new CliError(`${interfaceName} already exists`, `Take it down first: wasmguard down ${config.path}`);
  }
  const endDefer = deferSignals();
  let started = false;
  try {
    await runHooks(settings.system.hooks.PreUp, interfaceName);
    started = true;
    await startTunnel(interfaceName);
    await configure(interfaceName, settings.tunnel);
    wipeSettings(settings);
    await applySystem(config);
    await runHooks(settings.system.hooks.PostUp, interfaceName);
  } catch (error) {
    if (started) await tearDown(config);
    throw error;
  } finally {
    wipeSettings(settings);
    endDefer();
  }
}
