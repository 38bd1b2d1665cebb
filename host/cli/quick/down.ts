/**
 * `wasmguard down`: the steps of `wg-quick down`. Removing the interface ends the daemon behind it.
 */
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isTunnelUp } from "../../uapi/client.ts";
import { socketPath } from "../../uapi/socket-path.ts";
import { CliError } from "../errors.ts";
import { fetchDevice, wipeDevice } from "../show/device.ts";
import { unsetDns } from "./dns.ts";
import type { ConfigFile } from "./file.ts";
import { removeFirewall } from "./firewall.ts";
import { removeRules } from "./routes.ts";
import { saveConfig } from "./save.ts";
import { ask, attempt, runHooks } from "./shell.ts";

/** How long the daemon may take to leave, so that `up` right after `down` finds its place free. */
const GONE_TIMEOUT_MS = 2000;
const GONE_POLL_MS = 20;

async function waitUntilGone(interfaceName: string): Promise<void> {
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (existsSync(socketPath(interfaceName)) && performance.now() < deadline) await delay(GONE_POLL_MS);
}

/** Remove all that `up` may have made, in whatever state it is. Never throws. */
export async function tearDown({ interfaceName, settings: { system } }: ConfigFile): Promise<void> {
  await unsetDns(interfaceName, system);
  await removeFirewall(interfaceName);
  const device = await fetchDevice(interfaceName).catch(() => undefined);
  if (device) {
    wipeDevice(device);
    await removeRules(device, system.table);
  }
  if ((await ask("ip", "link", "show", "dev", interfaceName)) === "") return;
  await attempt(["ip", "link", "delete", "dev", interfaceName]);
  await waitUntilGone(interfaceName);
}

/** @throws CliError */
export async function takeDown(config: ConfigFile): Promise<void> {
  const { interfaceName, settings } = config;
  if (!(await isTunnelUp(interfaceName))) {
    throw new CliError(`${interfaceName} is not a WireGuard interface that is up`, "See: wasmguard show interfaces");
  }
  await runHooks(settings.system.hooks.PreDown, interfaceName);
  if (settings.system.saveConfig) await saveConfig(config);
  await tearDown(config);
  await runHooks(settings.system.hooks.PostDown, interfaceName);
}
