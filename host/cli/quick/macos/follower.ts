/**
 * Keeps what `up` set in step with the machine's network: routes to endpoints follow the gateway, the MTU follows that of the way out, DNS
 * servers are those of every network service. When the interface has gone by itself, it undoes what is beyond.
 */
import { complainOf } from "../../print.ts";
import { fetchDevice, wipeDevice } from "../../show/shown-device.ts";
import { restoreServices, setServices } from "./dns.ts";
import { removeEndpointRoutes, routeEndpoints } from "./endpoint-routes.ts";
import { isThere, setAutomaticMtu } from "./interface.ts";
import type { Programs } from "./programs.ts";
import { NetworkRecord } from "./record.ts";

/** Of an interface that has gone. @param record is removed, unless something is left to undo. Never throws. */
export async function undoChanges(programs: Programs, record: NetworkRecord): Promise<void> {
  await restoreServices(programs, record);
  await removeEndpointRoutes(programs, record);
  try {
    record.close();
  } catch (error) {
    complainOf(error); // a full disk: what is written down is more than what is left
  }
}

/** Endpoints as the tunnel tells them now; undefined while nobody answers. */
async function presentEndpoints(interfaceName: string): Promise<string[] | undefined> {
  const device = await fetchDevice(interfaceName).catch(() => undefined);
  if (device === undefined) return undefined;
  wipeDevice(device);
  return device.peers.flatMap((peer) => peer.endpoint ?? []);
}

async function refreshEndpoints(programs: Programs, record: NetworkRecord): Promise<void> {
  const { interfaceName, families } = record.changes;
  if (families.length === 0) return;
  const endpoints = await presentEndpoints(interfaceName);
  if (endpoints !== undefined) await routeEndpoints(programs, record, endpoints);
}

async function refreshMtu(programs: Programs, { changes }: NetworkRecord): Promise<void> {
  if (changes.mtu === "automatic") await setAutomaticMtu(programs, changes.interfaceName);
}

/** After news of the network. What is refused now may not be the next time. @returns "over" once there is nothing left to follow */
export async function look(programs: Programs, name: string): Promise<"over" | "on"> {
  const record = await NetworkRecord.take(name);
  if (record === undefined) return "over";
  if (!(await isThere(record.changes.interfaceName))) {
    await undoChanges(programs, record);
    return "over";
  }
  try {
    for (const refresh of [refreshEndpoints, refreshMtu, setServices])
      await refresh(programs, record).catch(complainOf);
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
  record.release();
}
