/**
 * The automatic MTU, as wg-quick finds it: the largest on a way to an endpoint (else that of the default route, else
 * 1500), less 80 bytes for the outer IPv6, UDP and WireGuard headers.
 */
import { ask } from "../shell.ts";

const OVERHEAD_BYTES = 80;
const MTU_DEFAULT = 1500;

/** The MTU of a route, or of the device it names. 0 if the text tells neither. */
async function mtuOfRoute(route: string): Promise<number> {
  const own = /mtu (\d+)/.exec(route)?.[1];
  if (own !== undefined) return Number(own);
  const device = /dev (\S+)/.exec(route)?.[1];
  if (device === undefined) return 0;
  return Number(/mtu (\d+)/.exec(await ask("ip", "link", "show", "dev", device))?.[1] ?? 0);
}

/** @param endpoints  `address:port`, as the tunnel tells them */
export async function automaticMtu(endpoints: readonly string[]): Promise<number> {
  let mtu = 0;
  for (const endpoint of endpoints) {
    const address = /^\[?([a-z0-9:.]+)\]?:\d+$/.exec(endpoint)?.[1];
    if (address !== undefined) mtu = Math.max(mtu, await mtuOfRoute(await ask("ip", "route", "get", address)));
  }
  if (mtu === 0) {
    const [first = ""] = (await ask("ip", "route", "show", "default")).split("\n");
    mtu = await mtuOfRoute(first);
  }
  return (mtu || MTU_DEFAULT) - OVERHEAD_BYTES;
}
