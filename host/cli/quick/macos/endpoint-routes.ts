/**
 * While a default route leads into the tunnel, each endpoint has a route of its own by the gateway that the machine has at the moment. Where
 * there is no gateway it leads nowhere: the tunnel's own packets would go into the tunnel.
 */
import { defaultRoute } from "./default-route.ts";
import { type Family, familyOf, type Programs } from "./programs.ts";
import type { NetworkRecord } from "./record.ts";

const LOOPBACK = { inet: "127.0.0.1", inet6: "::1" } as const;
const NOWHERE = "";

/** Without port, and without those that name an interface: other routes are none of theirs. */
function addressOf(endpoint: string): string | undefined {
  return /^\[?([a-z0-9:.]+)\]?:\d+$/.exec(endpoint)?.[1];
}

function deleteRoute({ attempt }: Programs, address: string): Promise<void> {
  return attempt(["route", "-q", "-n", "delete", `-${familyOf(address)}`, address]);
}

function addRoute({ attempt }: Programs, address: string, gateway: string): Promise<void> {
  const family = familyOf(address);
  const way = gateway === NOWHERE ? [LOOPBACK[family], "-blackhole"] : ["-gateway", gateway];
  return attempt(["route", "-q", "-n", "add", `-${family}`, address, ...way]);
}

/** @param endpoints `address:port`, as the tunnel tells them */
export async function routeEndpoints(
  programs: Programs,
  record: NetworkRecord,
  endpoints: readonly string[],
): Promise<void> {
  const { changes } = record;
  const gateways = new Map<Family, string>();
  for (const family of changes.families) {
    gateways.set(family, (await defaultRoute(programs, family))?.gateway ?? NOWHERE);
  }
  const wanted: Record<string, string> = {};
  for (const endpoint of endpoints) {
    const address = addressOf(endpoint);
    const gateway = address === undefined ? undefined : gateways.get(familyOf(address));
    if (address !== undefined && gateway !== undefined) wanted[address] = gateway;
  }
  const before = changes.endpoints;
  changes.endpoints = { ...before, ...wanted };
  record.save();
  for (const [address, gateway] of Object.entries(before)) {
    if (wanted[address] !== gateway) await deleteRoute(programs, address);
  }
  for (const [address, gateway] of Object.entries(wanted)) {
    if (before[address] !== gateway) await addRoute(programs, address, gateway);
  }
  changes.endpoints = wanted;
  record.save();
}

export async function removeEndpointRoutes(programs: Programs, { changes }: NetworkRecord): Promise<void> {
  for (const address of Object.keys(changes.endpoints)) await deleteRoute(programs, address);
}
