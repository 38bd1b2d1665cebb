/**
 * `wasmguard down`: the steps of `wg-quick down`. Removing the interface ends the daemon behind it.
 */
import { isTunnelUp } from "../../uapi/client.ts";
import { CliError, describeError } from "../command-errors.ts";
import { complain } from "../print.ts";
import type { ConfigFile } from "./file.ts";
import { runHooks } from "./hooks.ts";
import { saveConfig } from "./save.ts";
import type { QuickSystem, Tunnel } from "./system.ts";

/** Remove all that `up` may have made, in whatever state it is. @throws CliError where the interface stays */
export async function tearDown(system: QuickSystem, tunnel: Tunnel): Promise<void> {
  await system.undo(tunnel);
  await system.remove(tunnel);
}

/**
 * Whoever answers at its socket is behind it, wherever the interface is: a hook may have moved it to another network namespace.
 * @returns undefined where there is none, or nobody behind it
 */
export async function runningTunnel(system: QuickSystem, config: ConfigFile): Promise<Tunnel | undefined> {
  const { name } = config;
  const interfaceName = system.namesInterfaces === "the system" ? await system.find(name) : name;
  if (interfaceName === undefined || !(await isTunnelUp(interfaceName))) return undefined;
  return { config, interfaceName };
}

export function notUp({ name }: ConfigFile): CliError {
  return new CliError(`${name} is not a WireGuard interface that is up`, "See: wasmguard show interfaces");
}

/** @throws CliError */
export async function takeDown(system: QuickSystem, config: ConfigFile): Promise<void> {
  const { hooks, saveConfig: saves } = config.system;
  system.check?.(config);
  const running = await runningTunnel(system, config);
  if (running !== undefined) {
    await runHooks(system, hooks.PreDown, running);
    if (saves) await saveConfig(system, running);
    try {
      await tearDown(system, running);
    } catch (error) {
      // It goes on as it was.
      await system.setDns(running).catch((fault) => complain(`Warning: ${describeError(fault)}\n`));
      throw error;
    }
  } else if ((await system.find(config.name)) !== undefined || !(await system.cleanUp(config))) {
    throw notUp(config);
  } else {
    // Hooks that want the interface (PreDown) cannot run, and its state cannot be saved.
    complain(`${config.name} had ended by itself: what it left behind is removed\n`);
  }
  await runHooks(system, hooks.PostDown, running ?? { config, interfaceName: config.name });
}
