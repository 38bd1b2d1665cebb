/** A tunnel's interface by ifconfig(8). */
import { setTimeout as delay } from "node:timers/promises";
import { isTunnelUp } from "../../../uapi/client.ts";
import { defaultRoute } from "./default-route.ts";
import { familyOf, type Programs } from "./programs.ts";

/** For the outer IPv6, UDP and WireGuard headers, as wg-quick has it. */
const OVERHEAD_BYTES = 80;
const MTU_DEFAULT = 1500;

const AGAIN_MS = 100;

/** It goes with its daemon, of which the socket tells more surely than ifconfig: the kernel gives its name to others. */
export async function isThere(interfaceName: string): Promise<boolean> {
  if (await isTunnelUp(interfaceName)) return true;
  await delay(AGAIN_MS);
  return isTunnelUp(interfaceName);
}

/** What ifconfig says of it; "" where it is not there. */
export function describe({ ask }: Programs, interfaceName: string): Promise<string> {
  return ask("ifconfig", interfaceName);
}

export function mtuIn(description: string): string | undefined {
  return /\bmtu (\d+)/.exec(description)?.[1];
}

/** `address/bits`, in the order of ifconfig; an address of a link without the name of that. */
export function addressesIn(description: string): string[] {
  return description.split("\n").flatMap((line) => {
    const [, four, mask] = /^\s*inet ([\d.]+) .*\bnetmask 0x([\da-f]{8})/.exec(line) ?? [];
    if (four !== undefined) return `${four}/${onesOf(Number.parseInt(mask!, 16))}`;
    const [, six, bits] = /^\s*inet6 ([\da-f:.]+)(?:%\S+)? .*\bprefixlen (\d+)/.exec(line) ?? [];
    return six === undefined ? [] : `${six}/${bits}`;
  });
}

function onesOf(mask: number): number {
  return mask.toString(2).replaceAll("0", "").length;
}

/** @param address with its mask, or without */
export function addAddress({ run }: Programs, interfaceName: string, address: string): Promise<void> {
  const family = familyOf(address);
  // An interface between two points wants to know the other end.
  const end = family === "inet" ? [address.split("/")[0]!] : [];
  return run(["ifconfig", interfaceName, family, address, ...end, "alias"]);
}

/** As the interface of the default route has it, less what packets grow by. */
export async function setAutomaticMtu(programs: Programs, interfaceName: string): Promise<void> {
  const way = await defaultRoute(programs, "inet");
  const outside = way === undefined ? undefined : mtuIn(await describe(programs, way.interfaceName));
  const mtu = String(Number(outside ?? MTU_DEFAULT) - OVERHEAD_BYTES);
  if (mtu === mtuIn(await describe(programs, interfaceName))) return;
  await programs.run(["ifconfig", interfaceName, "mtu", mtu]);
}
