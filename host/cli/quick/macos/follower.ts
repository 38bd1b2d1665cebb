/**
 * Keeps what `up` set in step with the machine's network: routes to endpoints follow the gateway, the MTU follows that of the way out, DNS
 * servers are those of every network service. When the interface has gone by itself, it undoes what is beyond.
 */
import { fetchDevice, wipeDevice } from "../../show/shown-device.ts";
import { restoreServices, setServices } from "./dns.ts";
import { removeEndpointRoutes, routeEndpoints } from "./endpoint-routes.ts";
import { describe, setAutomaticMtu } from "./interface.ts";
import type { Programs } from "./programs.ts";
import { NetworkRecord } from "./record.ts";

/** @param record which is removed with that */
export async function undoChanges(programs: Programs, record: NetworkRecord): Promise<void> {
  await restoreServices(programs, record);
  await removeEndpointRoutes(programs, record);
  record.remove();
}

/** Endpoints as the tunnel tells them now; undefined while nobody answers. */
async function presentEndpoints(interfaceName: string): Promise<string[] | undefined> {
  const device = await fetchDevice(interfaceName).catch(() => undefined);
  if (device === undefined) return undefined;
  wipeDevice(device);
  return device.peers.flatMap((peer) => peer.endpoint ?? []);
}

async function refresh(programs: Programs, record: NetworkRecord): Promise<void> {
  const { interfaceName, families, mtu } = record.changes;
  if (families.length > 0) {
    const endpoints = await presentEndpoints(interfaceName);
    if (endpoints !== undefined) await routeEndpoints(programs, record, endpoints);
  }
  if (mtu === "automatic") await setAutomaticMtu(programs, interfaceName);
  await setServices(programs, record);
}

/** After news of the network. @returns "over" once there is nothing left to follow */
export async function look(programs: Programs, name: string): Promise<"over" | "on"> {
  const record = await NetworkRecord.take(name);
  if (record === undefined) return "over";
  if ((await describe(programs, record.changes.interfaceName)) === "") {
    await undoChanges(programs, record);
    return "over";
  }
  try {
    await refresh(programs, record);
  } finally {
    record.release();
  }
  return "on";
}

/** Whoever follows ends before the interface, as when the Mac shuts down: DNS settings would outlive that. Routes are left to `down`. */
export async function giveUp(programs: Programs, name: string): Promise<void> {
  const record = await NetworkRecord.take(name);
  if (record === undefined) return;
  await restoreServices(programs, record);
  record.changes.services = {};
  record.release();
}
