/**
 * `wasmguard down`: the steps of `wg-quick down`. Removing the interface ends the daemon behind it.
 */
import { existsSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isTunnelUp } from "../../uapi/client.ts";
import { socketPath } from "../../uapi/socket-path.ts";
import { CliError } from "../command-errors.ts";
import { complain } from "../print.ts";
import { fetchDevice, wipeDevice } from "../show/shown-device.ts";
import { unsetDns } from "./dns.ts";
import type { ConfigFile } from "./file.ts";
import { removeFirewall } from "./firewall.ts";
import { runHooks } from "./hooks.ts";
import { deadTables, removeRules, removeRulesOf } from "./routes.ts";
import { saveConfig } from "./save.ts";
import { ask, attempt } from "./shell.ts";

/** How long the daemon may take to leave, so that `up` right after `down` finds its place free. */
const GONE_TIMEOUT_MS = 2000;
const GONE_POLL_MS = 20;

async function waitUntilGone(interfaceName: string): Promise<void> {
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (existsSync(socketPath(interfaceName)) && performance.now() < deadline) await delay(GONE_POLL_MS);
}

/** Remove all that `up` may have made, in whatever state it is. Never throws. */
export async function tearDown({ interfaceName, system }: ConfigFile): Promise<void> {
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
  const { interfaceName, system } = config;
  if (await isTunnelUp(interfaceName)) {
    await runHooks(system.hooks.PreDown, config);
    if (system.saveConfig) await saveConfig(config);
    await tearDown(config);
  } else if (!(await cleanUp(config))) {
    throw new CliError(`${interfaceName} is not a WireGuard interface that is up`, "See: wasmguard show interfaces");
  }
  await runHooks(system.hooks.PostDown, config);
}

/**
 * After a daemon that did not end well: the interface and its routes went with it, the rest has stayed. Hooks that want the
 * interface (PreDown) cannot run, and its state cannot be saved.
 * @returns whether there was anything
 */
async function cleanUp({ interfaceName, system }: ConfigFile): Promise<boolean> {
  if ((await ask("ip", "link", "show", "dev", interfaceName)) !== "") return false;
  let any = await removeFirewall(interfaceName);
  if (system.table === "auto") {
    for (const table of await deadTables()) {
      await removeRulesOf(table);
      any = true;
    }
  }
  const socket = socketPath(interfaceName);
  if (existsSync(socket)) {
    rmSync(socket, { force: true });
    any = true;
  }
  if (!any) return false;
  await unsetDns(interfaceName, system);
  complain(`${interfaceName} had ended by itself: what it left behind is removed\n`);
  return true;
}
