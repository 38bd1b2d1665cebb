/**
 * `wasmguard up` as a service: whoever manages it is told that the tunnel is there when all steps are taken, and that the daemon, not this
 * process, is the service. The daemon itself is not asked to: it is ready before it has an address, and may be another program.
 */
import { openLibc } from "../../ffi/libc.ts";
import {
  connectServiceManager,
  listenerAt,
  SERVICE_MANAGER_VARIABLE,
  tellServiceManager,
} from "../../os/service-manager.ts";
import { socketPath } from "../../uapi/socket-path.ts";
import { complain } from "../print.ts";
import { otherImplementation } from "./start.ts";

/** Where the manager is to be told; undefined without one. No program that this one starts finds it any more. */
export function takeServiceAddress(): string | undefined {
  const address = process.env[SERVICE_MANAGER_VARIABLE];
  delete process.env[SERVICE_MANAGER_VARIABLE];
  return address || undefined;
}

/** That it cannot be told is told here, and keeps no tunnel from being there. */
export async function tellTunnelIsUp(address: string, interfaceName: string): Promise<void> {
  try {
    const libc = await openLibc(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), "few calls");
    const listener = otherImplementation() === undefined ? "lives with its socket" : "may have handed its socket on";
    const daemon = listenerAt(libc, socketPath(interfaceName), listener);
    const refusal = tellServiceManager(libc, connectServiceManager(libc, address), `MAINPID=${daemon}\nREADY=1`);
    if (refusal !== undefined) throw refusal;
  } catch (error) {
    complain(`wasmguard: the service manager was not told: ${error instanceof Error ? error.message : error}\n`);
  }
}
