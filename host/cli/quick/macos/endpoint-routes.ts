/**
 * While a default route leads into the tunnel, each endpoint has a route of its own by the gateway that the machine has at the moment. Where
 * there is no gateway it leads nowhere: the tunnel's own packets would go into the tunnel. A route to an endpoint that somebody else has set
 * is left alone. What is there is asked of the system each time: it drops routes by itself when an interface goes down.
 */
import { CliError } from "../../command-errors.ts";
import { checkInterruption } from "../shell.ts";
import { defaultRoute } from "./default-route.ts";
import { type Family, familyOf, type Programs } from "./programs.ts";
import type { NetworkRecord } from "./record.ts";
import { askRoute, changeRoute } from "./routes.ts";

const LOOPBACK = { inet: "127.0.0.1", inet6: "::1" } as const;
const NOWHERE = "";

/** Without port, and without those that name an interface or are on this machine: other routes are none of theirs. */
function addressOf(endpoint: string): string | undefined {
  const address = /^\[?([a-z0-9:.]+)\]?:\d+$/.exec(endpoint)?.[1];
  return address === LOOPBACK.inet6 || address?.startsWith("127.") ? undefined : address;
}

/** Of a route to this address alone, which is not one that the system made from another. */
async function gatewayTo(programs: Programs, address: string): Promise<string | undefined> {
  const { destination, gateway, flags = "" } = await askRoute(programs, address);
  return destination === address && !flags.includes("WASCLONED") ? (gateway ?? NOWHERE) : undefined;
}

const gatewayOrLoopback = (family: Family, gateway: string): string =>
  gateway === NOWHERE ? LOOPBACK[family] : gateway;

/** Not every program names the interface behind an address of a link. */
const alike = (one: string | undefined, other: string): boolean => one?.split("%")[0] === other.split("%")[0];

function addRoute(programs: Programs, address: string, gateway: string): Promise<void> {
  const way = gateway === NOWHERE ? [LOOPBACK[familyOf(address)], "-blackhole"] : ["-gateway", gateway];
  return changeRoute(programs, "add", address, way);
}

/** @returns whether it is there then */
async function lead(programs: Programs, record: NetworkRecord, address: string, gateway: string): Promise<boolean> {
  const { endpoints } = record.changes;
  const wanted = gatewayOrLoopback(familyOf(address), gateway);
  const present = await gatewayTo(programs, address);
  const isOurs = endpoints[address] !== undefined;
  if (alike(present, wanted) || (present !== undefined && !isOurs)) return true;
  // It could not be told from somebody else's if it were written down afterwards.
  endpoints[address] = wanted;
  record.save();
  if (present !== undefined) await changeRoute(programs, "delete", address);
  await addRoute(programs, address, gateway);
  return alike(await gatewayTo(programs, address), wanted);
}

/** @param endpoints `address:port`, as the tunnel tells them @throws CliError when all are done, if one is refused, or if a signal came */
export async function routeEndpoints(
  programs: Programs,
  record: NetworkRecord,
  endpoints: readonly string[],
): Promise<void> {
  const gateways = new Map<Family, string>();
  for (const family of record.changes.families) {
    gateways.set(family, (await defaultRoute(programs, family))?.gateway ?? NOWHERE);
  }
  const wanted = new Set<string>();
  const refused: string[] = [];
  for (const address of endpoints.flatMap((endpoint) => addressOf(endpoint) ?? [])) {
    const gateway = gateways.get(familyOf(address));
    if (gateway === undefined || wanted.has(address)) continue;
    wanted.add(address);
    if (!(await lead(programs, record, address, gateway))) refused.push(address);
    checkInterruption();
  }
  await removeEndpointRoutes(programs, record, wanted);
  record.save();
  if (refused.length > 0) throw new CliError(`no route to ${refused.join(", ")} could be set`, "See: netstat -rn");
}

/** What could not be removed stays in the record. @param except addresses that keep theirs */
export async function removeEndpointRoutes(
  programs: Programs,
  { changes: { endpoints } }: NetworkRecord,
  except: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const address of Object.keys(endpoints).filter((one) => !except.has(one))) {
    await changeRoute(programs, "delete", address);
    if ((await gatewayTo(programs, address)) === undefined) delete endpoints[address];
  }
}
