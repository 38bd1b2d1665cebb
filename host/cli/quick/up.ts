/**
 * `wasmguard up`: the steps of `wg-quick up`, in its order. What was done is undone when a step fails. Keys are in this process
 * from when the configuration is read for the tunnel until the tunnel has it: not while hooks run, nor while names are looked up.
 */

import { wipeTunnel } from "../../config/settings.ts";
import { CliError } from "../command-errors.ts";
import { selfCommand } from "../launch/command.ts";
import { fetchDevice, wipeDevice } from "../show/shown-device.ts";
import { setDns } from "./dns.ts";
import { tearDown } from "./down.ts";
import { resolveEndpoint } from "./endpoint.ts";
import type { ConfigFile } from "./file.ts";
import { runHooks } from "./hooks.ts";
import { automaticMtu } from "./mtu.ts";
import { applyRequest, setRequest } from "./request.ts";
import { addRoutes } from "./routes.ts";
import { ask, checkInterruption, deferSignals, echo, interruptible, run, runAs } from "./shell.ts";

/** Start the tunnel: this program, or the one that the environment names. */
async function startTunnel(interfaceName: string): Promise<void> {
  const other = process.env.WG_QUICK_USERSPACE_IMPLEMENTATION;
  if (other) return run([other, interfaceName]);
  // As a program of its own: whoever starts a daemon enters its sandbox, and hooks could do nothing there.
  const { program, args } = selfCommand(["--", interfaceName]);
  return runAs(`wasmguard ${interfaceName}`, [program, ...args]);
}

async function configure(config: ConfigFile): Promise<void> {
  const { interfaceName } = config;
  const endpoints: (string | undefined)[] = [];
  for (const endpoint of config.endpoints) {
    endpoints.push(endpoint && (await resolveEndpoint(endpoint.host, endpoint.port)));
    checkInterruption();
  }
  echo(`configure ${interfaceName}: ${endpoints.length} peers`);
  await interruptible(applyRequest(interfaceName, tunnelRequest(config, endpoints)));
}

/** @throws CliError if the file has changed so that names no longer fit */
function tunnelRequest(config: ConfigFile, endpoints: readonly (string | undefined)[]): Uint8Array {
  const tunnel = config.tunnel();
  try {
    if (tunnel.peers.length !== endpoints.length) {
      throw new CliError(`${config.path} changed while it was being applied`, "Try again");
    }
    return setRequest(tunnel, endpoints);
  } finally {
    wipeTunnel(tunnel);
  }
}

async function applySystem({ interfaceName, system }: ConfigFile): Promise<void> {
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
  const { interfaceName, system } = config;
  if ((await ask("ip", "link", "show", "dev", interfaceName)) !== "") {
    throw new CliError(`${interfaceName} already exists`, `Take it down first: wasmguard down ${config.path}`);
  }
  const endDefer = deferSignals();
  let started = false;
  try {
    await runHooks(system.hooks.PreUp, config);
    started = true;
    await startTunnel(interfaceName);
    await configure(config);
    await applySystem(config);
    await runHooks(system.hooks.PostUp, config);
  } catch (error) {
    if (started) await tearDown(config);
    throw error;
  } finally {
    endDefer();
  }
}
