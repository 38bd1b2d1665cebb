/**
 * `wasmguard up`: the steps of `wg-quick up`, in its order. What was done is undone when a step fails. Keys are in this process
 * from when the configuration is read for the tunnel until the tunnel has it: not while hooks run, nor while names are looked up.
 */

import { wipeTunnel } from "../../config/settings.ts";
import { CliError, describeError } from "../command-errors.ts";
import { complain } from "../print.ts";
import { fetchDevice, wipeDevice } from "../show/shown-device.ts";
import { tearDown } from "./down.ts";
import { resolveEndpoint } from "./endpoint.ts";
import type { ConfigFile } from "./file.ts";
import { runHooks } from "./hooks.ts";
import { applyRequest, setRequest } from "./request.ts";
import { checkInterruption, deferSignals, echo, interruptible } from "./shell.ts";
import type { QuickSystem, Tunnel } from "./system.ts";

/** Hand the tunnel its keys and peers. @throws CliError and what its steps throw */
async function configure({ config, interfaceName }: Tunnel): Promise<void> {
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

/** The longest prefix first; equals in falling order of their text, as sort(1) leaves them. */
function bySpecificity(a: string, b: string): number {
  const difference = Number(b.split("/")[1]) - Number(a.split("/")[1]);
  return difference || (a < b ? 1 : a > b ? -1 : 0);
}

async function applySettings(system: QuickSystem, tunnel: Tunnel): Promise<void> {
  const { interfaceName } = tunnel;
  const { addresses, mtu, table } = tunnel.config.system;
  for (const address of addresses) await system.addAddress(interfaceName, address);
  // As the tunnel tells it: prefixes masked, each with one owner.
  const device = await fetchDevice(interfaceName);
  wipeDevice(device);
  await system.bringUp(device, mtu);
  if (system.setsDns === "before routes") await system.setDns(tunnel);
  const prefixes = table === "off" ? [] : device.peers.flatMap((peer) => peer.allowedIps);
  for (const prefix of prefixes.sort(bySpecificity)) await system.addRoute(tunnel, device, prefix, table);
  if (system.setsDns === "after routes") await system.setDns(tunnel);
  await system.follow?.(tunnel);
}

/** Give a tunnel that runs all that its configuration says. @throws CliError and what else its steps throw; what was done stays then */
export async function setUp(system: QuickSystem, tunnel: Tunnel): Promise<void> {
  await configure(tunnel);
  await applySettings(system, tunnel);
}

/** @throws CliError where there is an interface of this name: it would be taken for the tunnel's */
export async function requireAbsence(system: QuickSystem, { name, path }: ConfigFile): Promise<void> {
  const present = await system.find(name);
  if (present === undefined) return;
  const where = present === name ? "" : ` as ${present}`;
  throw new CliError(`${name} already exists${where}`, `Take it down first: wasmguard down ${path}`);
}

/** @throws CliError and what else its steps throw; nothing but the effects of PreUp remains then */
export async function bringUp(system: QuickSystem, config: ConfigFile): Promise<Tunnel> {
  const { name } = config;
  const { hooks } = config.system;
  system.check?.(config);
  await requireAbsence(system, config);
  const endDefer = deferSignals();
  let tunnel: Tunnel | undefined;
  try {
    if (system.namesInterfaces === "the configuration") {
      const named = { config, interfaceName: name };
      await runHooks(system, hooks.PreUp, named);
      tunnel = named;
      await system.start(config);
    } else {
      tunnel = { config, interfaceName: await system.start(config) };
      await runHooks(system, hooks.PreUp, tunnel);
    }
    await setUp(system, tunnel);
    await runHooks(system, hooks.PostUp, tunnel);
    return tunnel;
  } catch (error) {
    if (tunnel !== undefined)
      await tearDown(system, tunnel).catch((fault) => complain(`Warning: ${describeError(fault)}\n`));
    throw error;
  } finally {
    endDefer();
  }
}
